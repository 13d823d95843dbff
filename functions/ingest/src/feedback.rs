//! Images whose truth was told become labelled ones, where their bytes were kept.

use pappus_catalog::OnConflict;
use pappus_domain::event::FeedbackGiven;
use pappus_domain::{Digest, Feedback};
use pappus_host::{Context, Disposition, Failure};
use pappus_objects::Key;

use crate::candidate::{Candidate, Content};
use crate::error::Error;
use crate::pipeline::{Ingest, Options};
use crate::summary::Summary;

/// How the origin of such an image begins.
const ORIGIN: &str = "feedback:";

/// Takes in the image that feedback is about, under the label that stands: of two words on one prediction the later, in
/// whatever order their events come. Where an image has its label from feedback a correction replaces it; where somebody
/// has put it there the label stays. Nothing where no bytes were kept, or are left.
///
/// # Errors
/// A refusal where the event names other bytes than those of the prediction; [`Error`].
pub async fn take_feedback(context: &Context, given: &FeedbackGiven) -> Result<Option<Summary>, Failure> {
    let Context { catalog, objects, .. } = context;
    let (Some(key), Some(told)) = (&given.bytes, catalog.feedback(&given.feedback.prediction).await?) else {
        return Ok(None);
    };
    let refused = || Failure::new(Disposition::Refused, format!("object `{key}` is not the image of that prediction"));
    if *key != Feedback::kept_image(&told.image, told.predicted_at) {
        return Err(refused());
    }
    let object: Key = key.parse().map_err(Error::from)?;
    let limits = Options::default().limits;
    let bytes = match objects.get(&object, limits.bytes).await {
        Err(pappus_objects::Error::NotFound { .. }) => {
            tracing::warn!(key, "the image was gone before it could be read: there is nothing to ingest");
            return Ok(None);
        }
        read => read?,
    };
    if Digest::of(&bytes) != told.image {
        return Err(refused());
    }
    let known = catalog.image(&told.image).await?;
    let is_from_feedback = known.is_some_and(|image| image.origin.starts_with(ORIGIN));
    let on_conflict = if is_from_feedback { OnConflict::Relabel } else { OnConflict::Keep };
    let ingest = Ingest::new(context.clone(), Options { limits, on_conflict });
    let (label, origin) = (Some(told.label), format!("{ORIGIN}{}", told.prediction));
    Ok(Some(ingest.one(Candidate { content: Content::Bytes(bytes), label, origin }).await?))
}
