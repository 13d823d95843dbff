//! The notify function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::{ModelEvaluated, ReleaseChanged, TrainingFailed};
use pappus_domain::{Event, EventKind as _};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};

use crate::error::Error;
use crate::notify::Notify;

struct OnNews {
    notify: Notify,
    context: Context,
}

/// The notify function: tells people of failed trainings, verdicts and releases.
///
/// # Errors
/// [`Error::Email`].
pub fn app(context: Context) -> Result<App, Error> {
    let notify = Notify::new(context.clone())?;
    Ok(App { name: "notify", router: Router::new(), on_event: Arc::new(OnNews { notify, context }) })
}

#[async_trait]
impl OnEvent for OnNews {
    fn kinds(&self) -> Vec<&'static str> {
        vec![TrainingFailed::KIND, ModelEvaluated::KIND, ReleaseChanged::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        self.notify.tell(&event).await?;
        Ok(Outcome::NOTHING)
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}
