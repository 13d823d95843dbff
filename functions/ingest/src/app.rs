//! The ingest function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::ObjectCreated;
use pappus_domain::image::Label;
use pappus_domain::{Event, Timestamp};
use pappus_host::{App, Context, Disposition, Failure, OnEvent};
use pappus_objects::Key;

use crate::candidate::{Candidate, Content};
use crate::error::Error;
use crate::pipeline::{Ingest, Options};

/// Ingests an object that was put under `incoming/<label>/`.
struct OnObject {
    ingest: Ingest,
    context: Context,
}

/// The ingest function.
pub fn app(context: Context) -> App {
    let ingest = Ingest::new(context.clone(), Options::default());
    App { name: "ingest", router: Router::new(), on_event: Some(Arc::new(OnObject { ingest, context })) }
}

#[async_trait]
impl OnEvent for OnObject {
    async fn on_event(&self, event: Event) -> Result<Vec<Event>, Failure> {
        let created = event.read::<ObjectCreated>();
        let created = created.map_err(|error| Failure::new(Disposition::Refused, format!("{error}")))?;
        let Some(ObjectCreated { key }) = created else { return Ok(Vec::new()) };
        let Some(label) = label_of(&key)? else { return Ok(Vec::new()) };
        let object: Key = key.parse().map_err(|error| Failure::new(Disposition::Refused, format!("{error}")))?;
        let bytes = self.context.objects.get(&object, u64::from(u32::MAX)).await?;
        let candidate = Candidate { content: Content::Bytes(bytes), label: Some(label), origin: key.clone() };
        let summary = self.ingest.one(candidate).await?;
        let Some(ingested) = self.ingest.ingested(&key, &summary) else { return Ok(Vec::new()) };
        Ok(vec![Event::new("ingest", &ingested, Timestamp::now()).map_err(Error::from)?])
    }
}

/// The label in `incoming/<label>/…`; none for an object elsewhere, which is none of ours.
fn label_of(key: &str) -> Result<Option<Label>, Failure> {
    let Some((label, _)) = key.strip_prefix("incoming/").and_then(|rest| rest.split_once('/')) else { return Ok(None) };
    label.parse().map(Some).map_err(|error| Failure::new(Disposition::Refused, format!("object `{key}`: {error}")))
}
