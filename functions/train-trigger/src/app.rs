//! The train-trigger function, as its host sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::event::{ImagesIngested, TrainingRequested};
use pappus_domain::{Event, Timestamp};
use pappus_host::{App, Context, Disposition, Failure, OnEvent};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::launcher::{Launcher, ProcessLauncher};
use crate::trigger::{Trigger, Wish};

/// How often a training under way is looked at by the decision that waits for its end.
const LOOK: Duration = Duration::from_secs(1);

struct OnImages {
    decider: Arc<Decider>,
    launcher: Arc<dyn Launcher>,
    context: Context,
}

/// The train-trigger function with a launcher of your own.
pub fn app_with(context: Context, launcher: Arc<dyn Launcher>) -> App {
    app_of(Arc::new(Decider::new(context.clone())), launcher, context)
}

/// The same where images come without an event, from another process: every `period` it decides by itself, if there are
/// other labelled images than at the last decision.
pub fn app_watching(context: Context, launcher: Arc<dyn Launcher>, period: Duration) -> App {
    let decider = Arc::new(Decider::new(context.clone()));
    tokio::spawn(watch(Arc::downgrade(&decider), period));
    app_of(decider, launcher, context)
}

fn app_of(decider: Arc<Decider>, launcher: Arc<dyn Launcher>, context: Context) -> App {
    App {
        name: "train-trigger",
        router: Router::new(),
        on_event: Some(Arc::new(OnImages { decider, launcher, context })),
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
            return self.decider.decide().await;
        }
        let Some(TrainingRequested { request }) = event.read().map_err(refused)? else { return Ok(Vec::new()) };
        let over = self.context.catalog.run(&request.run).await?.is_some_and(|run| run.status.is_over());
        if !over && request.model == self.context.settings.model {
            self.launcher.launch(request.run).await?;
        }
        Ok(Vec::new())
    }
}

/// Decides, one decision after another: of many images at once, the first fifty ask for a training, and the others see
/// that they have.
struct Decider {
    trigger: Trigger,
    context: Context,
    /// How many labelled images there were at the last decision; held while one is made.
    decided_on: Mutex<Option<u64>>,
    is_waiting: AtomicBool,
}

impl Decider {
    fn new(context: Context) -> Self {
        let trigger = Trigger::new(context.clone());
        Self { trigger, context, decided_on: Mutex::default(), is_waiting: AtomicBool::default() }
    }

    async fn decide(self: &Arc<Self>) -> Result<Vec<Event>, Failure> {
        let mut decided_on = self.decided_on.lock().await;
        // Before the decision: an image that comes meanwhile makes the number another one.
        let labelled = self.trigger.labelled().await?;
        let decision = self.trigger.decide().await?;
        tracing::info!(train = decision.train, reason = decision.reason, "whether to train");
        if !decision.train {
            if self.trigger.under_way().await?.is_some() {
                self.decide_after();
            }
            *decided_on = Some(labelled);
            return Ok(Vec::new());
        }
        let request = self.trigger.request(Wish { reason: decision.reason, ..Wish::default() }).await?;
        *decided_on = Some(labelled);
        let requested = TrainingRequested { request };
        Ok(vec![Event::new("train-trigger", &requested, Timestamp::now()).map_err(Error::from)?])
    }

    /// Decides once more when the training under way is over: it may have begun without the images of now.
    fn decide_after(self: &Arc<Self>) {
        if self.is_waiting.swap(true, Ordering::Relaxed) {
            return;
        }
        let decider = Arc::clone(self);
        tokio::spawn(async move {
            // A catalog that is away says nothing about the training.
            while !matches!(decider.trigger.under_way().await, Ok(None)) {
                tokio::time::sleep(LOOK).await;
            }
            decider.is_waiting.store(false, Ordering::Relaxed);
            if let Err(failure) = decider.decide_and_publish().await {
                tracing::error!(error = %failure, "whether to train could not be decided");
            }
        });
    }

    async fn decide_and_publish(self: &Arc<Self>) -> Result<(), Failure> {
        for event in self.decide().await? {
            self.context.events.publish(event).await?;
        }
        Ok(())
    }

    /// Decides, if there are other labelled images than at the last decision.
    async fn look(self: &Arc<Self>) -> Result<(), Failure> {
        let labelled = self.trigger.labelled().await?;
        if *self.decided_on.lock().await == Some(labelled) {
            return Ok(());
        }
        self.decide_and_publish().await
    }
}

/// Looks every `period`, for as long as there is an app that decides.
async fn watch(decider: Weak<Decider>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(decider) = decider.upgrade() else { return };
        if let Err(failure) = decider.look().await {
            tracing::warn!(error = %failure, "whether to train could not be decided, to be tried again");
        }
    }
}
