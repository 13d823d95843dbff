//! The train-trigger function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::{ImagesIngested, TrainingRequested};
use pappus_domain::{Event, Timestamp};
use pappus_host::{App, Context, Disposition, Failure, OnEvent};

use crate::error::Error;
use crate::launcher::{Launcher, ProcessLauncher};
use crate::trigger::{Trigger, Wish};

struct OnImages {
    trigger: Trigger,
    launcher: Arc<dyn Launcher>,
    context: Context,
}

/// The train-trigger function with a launcher of your own.
pub fn app_with(context: Context, launcher: Arc<dyn Launcher>) -> App {
    let trigger = Trigger::new(context.clone());
    App {
        name: "train-trigger",
        router: Router::new(),
        on_event: Some(Arc::new(OnImages { trigger, launcher, context })),
    }
}

/// The train-trigger function, launching `pappus-train` from the folder of this program.
pub fn app(context: Context) -> App {
    let beside = std::env::current_exe().unwrap_or_default().with_file_name("pappus-train");
    app_with(context.clone(), Arc::new(ProcessLauncher::new(context, beside, Vec::new())))
}

#[async_trait]
impl OnEvent for OnImages {
    async fn on_event(&self, event: Event) -> Result<Vec<Event>, Failure> {
        let refused = |error: pappus_domain::event::BadEvent| Failure::new(Disposition::Refused, error.to_string());
        if event.read::<ImagesIngested>().map_err(refused)?.is_some() {
            return self.on_images().await;
        }
        let Some(TrainingRequested { request }) = event.read().map_err(refused)? else { return Ok(Vec::new()) };
        let over = self.context.catalog.run(&request.run).await?.is_some_and(|run| run.status.is_over());
        if !over && request.model == self.context.settings.model {
            self.launcher.launch(request.run).await?;
        }
        Ok(Vec::new())
    }
}

impl OnImages {
    async fn on_images(&self) -> Result<Vec<Event>, Failure> {
        let decision = self.trigger.decide().await?;
        tracing::info!(train = decision.train, reason = decision.reason, "whether to train");
        if !decision.train {
            return Ok(Vec::new());
        }
        let request = self.trigger.request(Wish { reason: decision.reason, ..Wish::default() }).await?;
        let requested = TrainingRequested { request };
        Ok(vec![Event::new("train-trigger", &requested, Timestamp::now()).map_err(Error::from)?])
    }
}
