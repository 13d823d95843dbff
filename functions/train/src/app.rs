//! The train function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::TrainingRequested;
use pappus_domain::{Event, EventKind as _, RunId};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};
use tokio::sync::{RwLock, watch};

use crate::ended::Ended;
use crate::error::Error;
use crate::job::Train;

struct OnRequested {
    train: Train,
    context: Context,
    stopping: watch::Sender<bool>,
    /// Read while a training is under way.
    at_work: RwLock<()>,
}

/// The train function: trains where the event arrives that asks for it, and is done when the training is. The sender has
/// to wait as long as it takes: minutes, for data sets of thousands of images.
pub fn app(context: Context) -> App {
    context.tracking.attend();
    let train = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step)));
    let (stopping, at_work) = (watch::Sender::new(false), RwLock::new(()));
    App { name: "train", router: Router::new(), on_event: Arc::new(OnRequested { train, context, stopping, at_work }) }
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
        let Some(ended) = self.train_unless_stopped(&request.run).await? else { return Ok(Outcome::NOTHING) };
        Ok(Outcome::event(ended.event()?))
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }

    fn stop(&self) {
        self.stopping.send_replace(true);
    }

    async fn flush(&self) {
        // Until no lease is held any more.
        let _ = self.at_work.write().await;
    }
}

impl OnRequested {
    async fn train_unless_stopped(&self, run: &RunId) -> Result<Option<Ended>, Error> {
        let _at_work = self.at_work.read().await;
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            // Its other end is here.
            _ = stopping.wait_for(|stopping| *stopping) => {}
            trained = self.train.on_request(run) => return trained,
        }
        self.train.let_go(run).await?;
        Err(Error::Stopping(*run))
    }
}
