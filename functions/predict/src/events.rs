//! Events that predict takes: another release, and images to be answered.

use std::time::Duration;

use async_trait::async_trait;
use pappus_domain::event::{Data, PredictionMade, ReleaseChanged};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Digest, Event, EventKind as _, Prediction, Timestamp};
use pappus_host::{Failure, OnEvent, Outcome};
use tokio::time::timeout;

use crate::app::{FOLLOW, Predict};
use crate::error::Error;
use crate::upload::MAX_IMAGE_BYTES;

/// How long the end of the process waits for predictions to be logged.
const FLUSH: Duration = Duration::from_secs(10);
/// How long whoever could be answered waits for the catalog.
const PATIENCE: Duration = Duration::from_millis(300);
/// What an event with an image may have: base64 makes four bytes of three, and there are attributes.
const MAX_EVENT_BYTES: usize = MAX_IMAGE_BYTES as usize * 4 / 3 + (64 << 10);

#[async_trait]
impl OnEvent for Predict {
    fn kinds(&self) -> Vec<&'static str> {
        vec![ReleaseChanged::KIND]
    }

    /// What an image is, its bytes tell.
    fn takes_bytes(&self) -> bool {
        true
    }

    fn max_event_bytes(&self) -> usize {
        MAX_EVENT_BYTES
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        match event.read::<ReleaseChanged>()? {
            Some(changed) => {
                if changed.model == self.context.settings.model {
                    self.follow(false).await;
                }
                Ok(Outcome::NOTHING)
            }
            None => Ok(Outcome::answer(self.asked(event).await.map_err(|error| self.count(error))?)),
        }
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.serving.current()?;
        Ok(())
    }

    /// While the process was frozen, another version may have been released. Whoever has a model answers with that one
    /// rather than wait: the other is loaded beside the answers.
    async fn wake(&self) {
        if self.serving.last_followed().is_some_and(|at| at.elapsed() <= FOLLOW) {
            return;
        }
        let Some(predict) = self.this.upgrade() else { return };
        let following = tokio::spawn(async move { predict.follow(false).await });
        let patience = if self.serving.current().is_ok() { PATIENCE } else { Duration::MAX };
        let _ = timeout(patience, following).await;
    }

    async fn flush(&self) {
        self.settle(FLUSH).await;
    }
}

impl Predict {
    /// Has all that was answered logged, and the images kept that are to be, and waits for that, at most so long.
    pub(crate) async fn settle(&self, patience: Duration) {
        let kept = async {
            if let Some(keeper) = &self.keeper {
                keeper.flush(patience).await;
            }
        };
        tokio::join!(self.log.flush(patience), kept);
    }

    /// Answers an event that carries an image. The same event again is the same answer, where the event has a time; one
    /// that has none is answered anew.
    async fn asked(&self, event: Event) -> Result<Event, Error> {
        let id = id_of(&event);
        if event.time.is_some()
            && let Some(prediction) = self.answered(&id).await
        {
            return made(event, prediction);
        }
        let Data::Bytes { bytes, .. } = &event.data else {
            return Err(Error::BadRequest("the event carries no image".into()));
        };
        let live = self.serving.current()?;
        let prediction = self.answer(&live, bytes.clone().into(), "event", id).await?;
        made(event, prediction)
    }

    /// The answer that was given before. A catalog that is away keeps no image from being answered, perhaps again.
    async fn answered(&self, id: &PredictionId) -> Option<Prediction> {
        timeout(PATIENCE, self.context.catalog.prediction(id)).await.ok()?.ok().flatten()
    }
}

/// The event that answers: its id is the prediction's.
fn made(asked: Event, prediction: Prediction) -> Result<Event, Error> {
    let (id, at) = (prediction.id.to_string(), prediction.at);
    let made = PredictionMade { asked_by: asked.source, asked_as: asked.id, prediction };
    Ok(Event { id, ..Event::new("predict", &made, at)? })
}

/// A UUIDv7 that follows from the event: from its time, or where it has none from when it came.
fn id_of(event: &Event) -> PredictionId {
    let digest = Digest::of_parts([event.source.as_bytes(), event.id.as_bytes()]);
    let millis = event.time.unwrap_or_else(Timestamp::now).as_millisecond();
    let mut random = [0; 10];
    random.copy_from_slice(&digest.as_bytes()[..10]);
    PredictionId(
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &random).into_uuid(),
    )
}
