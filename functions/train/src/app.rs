//! The train function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::TrainingRequested;
use pappus_domain::{Event, EventKind as _, Timestamp};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};

use crate::error::Error;
use crate::job::Train;

struct OnRequested {
    train: Train,
    context: Context,
}

/// The train function: trains where the event arrives that asks for it, and is done when the training is. The sender has
/// to wait as long as it takes: minutes, for data sets of thousands of images.
pub fn app(context: Context) -> App {
    context.tracking.attend();
    let train = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step)));
    App { name: "train", router: Router::new(), on_event: Arc::new(OnRequested { train, context }) }
}

#[async_trait]
impl OnEvent for OnRequested {
    fn kinds(&self) -> Vec<&'static str> {
        vec![TrainingRequested::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        let requested = event.read::<TrainingRequested>()?;
        let Some(TrainingRequested { request }) = requested else { return Ok(Outcome::NOTHING) };
        if request.model != self.context.settings.model {
            return Ok(Outcome::NOTHING);
        }
        let Some(trained) = self.train.on_request(&request.run).await? else { return Ok(Outcome::NOTHING) };
        Ok(Outcome::event(Event::new("train", &trained, Timestamp::now()).map_err(Error::from)?))
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}
