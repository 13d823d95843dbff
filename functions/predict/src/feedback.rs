//! Feedback: somebody says what an image that was classified truly shows.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use pappus_domain::event::FeedbackGiven;
use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Event, Feedback, Timestamp};
use pappus_host::{Context, Failure, Labeller};
use pappus_objects::Key;
use serde::{Deserialize, Serialize};

use crate::app::{Predict, to_the_millisecond};
use crate::error::Error;

/// How long whoever gives feedback waits until their prediction is in the catalog, and its image kept: they may be quick.
const FLUSH: Duration = Duration::from_secs(1);

/// Writes down the true label of a prediction. The event tells the others, and ingest where the image's bytes are, if
/// they were kept.
///
/// # Errors
/// [`Error::NoPrediction`], [`Error::NoManifest`], [`Error::NoClass`], [`Error::Catalog`] or [`Error::Objects`].
pub async fn tell(context: &Context, id: &PredictionId, label: Label) -> Result<FeedbackGiven, Error> {
    let Context { catalog, objects, .. } = context;
    let prediction = catalog.prediction(id).await?.ok_or(Error::NoPrediction(*id))?;
    let manifest = catalog.model(&prediction.model, &prediction.version).await?;
    let manifest = manifest.ok_or_else(|| Error::NoManifest(prediction.version.clone()))?;
    let feedback = Feedback::new(&prediction, &manifest, label, to_the_millisecond(Timestamp::now()))?;
    let kept: Key = Feedback::kept_image(&prediction.image, prediction.at).parse()?;
    let bytes = match objects.head(&kept).await {
        Ok(_) => Some(kept.to_string()),
        Err(pappus_objects::Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    catalog.record_feedback(&feedback).await?;
    Ok(FeedbackGiven { feedback, bytes })
}

/// `POST /predictions/{id}/feedback`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    label: String,
}

/// Its answer.
#[derive(Serialize)]
pub(crate) struct Taken {
    request_id: PredictionId,
    predicted_class: Label,
    label: Label,
    is_right: bool,
    /// Whether the bytes of the image were kept, so that it can be learned from.
    is_kept: bool,
}

impl From<&FeedbackGiven> for Taken {
    fn from(FeedbackGiven { feedback, bytes }: &FeedbackGiven) -> Self {
        Self {
            request_id: feedback.prediction,
            predicted_class: feedback.class.clone(),
            label: feedback.label.clone(),
            is_right: feedback.is_right(),
            is_kept: bytes.is_some(),
        }
    }
}

pub(crate) async fn feedback(
    _: Labeller,
    State(predict): State<Arc<Predict>>,
    id: Result<Path<PredictionId>, PathRejection>,
    told: Result<Json<Told>, JsonRejection>,
) -> Result<Json<Taken>, Failure> {
    let given = async {
        let Path(id) = id.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
        let Json(Told { label }) = told.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
        let label = label.parse().map_err(|error| Error::BadRequest(format!("{error}")))?;
        predict.settle(FLUSH).await;
        tell(&predict.context, &id, label).await
    };
    let given = given.await.map_err(|error| predict.count(error))?;
    let event = Event::new("predict", &given, given.feedback.at).map_err(Error::from)?;
    predict.context.events.publish(event).await?;
    Ok(Json(Taken::from(&given)))
}
