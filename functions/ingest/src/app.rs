//! The ingest function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::event::{FeedbackGiven, ImagesIngested, ObjectCreated};
use pappus_domain::image::Label;
use pappus_domain::{Digest, Event, EventKind as _, Timestamp};
use pappus_host::{App, Context, Disposition, Failure, OnEvent, Outcome};
use pappus_objects::{Bucket, Key};

use crate::api;
use crate::candidate::{Candidate, Content};
use crate::error::Error;
use crate::feedback::take_feedback;
use crate::pipeline::{Ingest, Options};
use crate::summary::Summary;

/// Ingests an object that was put under `incoming/<label>/`, and an image whose truth was told and whose bytes were kept.
struct OnObject {
    ingest: Ingest,
    context: Context,
    max_bytes: u64,
}

/// The ingest function.
pub fn app(context: Context) -> App {
    let options = Options::default();
    let max_bytes = options.limits.bytes;
    let ingest = Ingest::new(context.clone(), options);
    let router = api::router(ingest.clone(), context.clone());
    App { name: "ingest", router, on_event: Arc::new(OnObject { ingest, context, max_bytes }) }
}

#[async_trait]
impl OnEvent for OnObject {
    fn kinds(&self) -> Vec<&'static str> {
        vec![ObjectCreated::KIND, FeedbackGiven::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        if let Some(given) = event.read::<FeedbackGiven>()? {
            let Some(summary) = take_feedback(&self.context, &given).await? else { return Ok(Outcome::NOTHING) };
            return ingested(event.id, &summary);
        }
        let created = event.read::<ObjectCreated>()?;
        let Some(ObjectCreated { bucket, key, .. }) = created else { return Ok(Outcome::NOTHING) };
        let ours = key_in(self.context.objects.bucket(), bucket.as_deref(), &key)?;
        let Some(key) = ours.map(str::to_owned) else { return Ok(Outcome::NOTHING) };
        let Some(label) = label_of(&key)? else { return Ok(Outcome::NOTHING) };
        self.take(key, label).await
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}

impl OnObject {
    /// Takes in an object of the store as an image.
    async fn take(&self, key: String, label: Label) -> Result<Outcome, Failure> {
        let object: Key = key.parse().map_err(|error| Failure::new(Disposition::Refused, format!("{error}")))?;
        // One that is larger is refused for good, and never read: so it has no digest to be quarantined under.
        let bytes = match self.context.objects.get(&object, self.max_bytes).await {
            Err(pappus_objects::Error::NotFound { .. }) => {
                tracing::warn!(key, "the object was gone before it could be read: there is nothing to ingest");
                return Ok(Outcome::NOTHING);
            }
            read => read?,
        };
        // Equal batches are one event: an object, as it was when it was taken in.
        let batch = Digest::of_parts([key.as_bytes(), Digest::of(&bytes).as_bytes().as_slice()]).short(16);
        let summary =
            self.ingest.one(Candidate { content: Content::Bytes(bytes), label: Some(label), origin: key }).await?;
        ingested(batch, &summary)
    }
}

/// What the others are told. An image that is known counts too: the delivery that recorded it may have died before it could
/// say so.
fn ingested(batch: String, summary: &Summary) -> Result<Outcome, Failure> {
    let stored = summary.stored + summary.relabelled + summary.duplicates;
    if stored == 0 {
        return Ok(Outcome::NOTHING);
    }
    let ingested = ImagesIngested { batch, stored };
    Ok(Outcome::event(Event::new("ingest", &ingested, Timestamp::now()).map_err(Error::from)?))
}

/// The key in the store of an object that was told by its key in a bucket; none for one beside the store. A store that
/// is no bucket takes every object for its own: whoever tells of them calls it by some name.
fn key_in<'k>(ours: Option<Bucket<'_>>, told: Option<&str>, key: &'k str) -> Result<Option<&'k str>, Failure> {
    let (Some(ours), Some(told)) = (ours, told) else { return Ok(Some(key)) };
    if ours.name != told {
        let what = format!(
            "object `{key}` is in the bucket `{told}`, and PAPPUS_OBJECTS is the bucket `{}`: have only that one's events \
             sent here",
            ours.name
        );
        return Err(Failure::new(Disposition::Refused, what));
    }
    Ok(ours.key_of(key))
}

/// The label in `incoming/<label>/…`; none for an object elsewhere, which is none of ours.
fn label_of(key: &str) -> Result<Option<Label>, Failure> {
    let Some((label, _)) = key.strip_prefix("incoming/").and_then(|rest| rest.split_once('/')) else { return Ok(None) };
    label.parse().map(Some).map_err(|error| Failure::new(Disposition::Refused, format!("object `{key}`: {error}")))
}
