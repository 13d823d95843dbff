//! How far a training has come, in its run's row: for whoever watches from elsewhere.

use std::time::{Duration, Instant};

use pappus_catalog::SharedCatalog;
use pappus_domain::run::Progress as Reported;
use pappus_domain::{RunId, RunStatus, Timestamp};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::progress::{Progress, Step};

/// How often the row is written at most, and how often it is looked at whether somebody has ended the run.
const EVERY: Duration = Duration::from_secs(1);

/// What is said of a training, and since when it does what it does now.
#[derive(Clone, Debug)]
struct Seen {
    reported: Reported,
    /// When the present stage was first heard of, and how much of it was done then: what a cache had took no time.
    begun: (Instant, u64),
}

/// Takes a training's steps, and keeps its run's row up to them.
pub(crate) struct Report(watch::Sender<Seen>);

impl Report {
    /// Nothing has been said yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Seen { reported: Reported::default(), begun: (Instant::now(), 0) }))
    }

    /// Tells this report of each step, and then `progress`.
    pub(crate) fn beside(&self, progress: Progress) -> Progress {
        let seen = self.0.clone();
        std::sync::Arc::new(move |step| {
            seen.send_modify(|seen| seen.hear(&step));
            progress(step);
        })
    }

    /// Writes to the run's row what there is to say, until somebody has ended the run: that is returned. A catalog that
    /// cannot be written to keeps nobody from training.
    pub(crate) async fn keep(&self, catalog: &SharedCatalog, run: &RunId) -> Error {
        let mut seen = self.0.subscribe();
        loop {
            let has_changed = matches!(timeout(EVERY, seen.changed()).await, Ok(Ok(())));
            let is_open = if has_changed {
                let progress = Some(seen.borrow_and_update().reported.clone());
                catalog.update_run(run, None, &RunStatus::Running { progress }, Timestamp::now()).await
            } else {
                catalog.run(run).await.map(|run| run.is_none_or(|run| !run.status.is_over()))
            };
            match is_open {
                Ok(true) => {}
                Ok(false) => return Error::Ended(*run),
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "how far it has come is not written");
                }
            }
            if has_changed {
                sleep(EVERY).await;
            }
        }
    }
}

impl Seen {
    fn hear(&mut self, step: &Step) {
        match step {
            Step::Extracting { done, total, .. } => self.count(step, *done, *total),
            Step::Validating { done, total, .. } => {
                // Folds end on several threads, and what was said last may be heard first.
                let before = self.reported.done.filter(|_| self.is_at(step));
                self.count(step, before.unwrap_or_default().max(*done), *total);
            }
            Step::Validated { accuracy, loss, .. } => {
                (self.reported.accuracy, self.reported.loss) = (Some(*accuracy), Some(*loss));
            }
            _ => self.begin(step, 0),
        }
    }

    fn is_at(&self, step: &Step) -> bool {
        self.reported.stage == step.to_string()
    }

    fn count(&mut self, step: &Step, done: u64, total: u64) {
        if !self.is_at(step) {
            self.begin(step, done);
        }
        let (since, before) = self.begun;
        let eta = eta(since.elapsed(), done.saturating_sub(before), total.saturating_sub(done));
        (self.reported.done, self.reported.total) = (Some(done), Some(total));
        self.reported.eta_seconds = eta.map(|eta| eta.as_secs());
    }

    fn begin(&mut self, step: &Step, done: u64) {
        let Reported { accuracy, loss, .. } = self.reported;
        self.reported = Reported { stage: step.to_string(), accuracy, loss, ..Reported::default() };
        self.begun = (Instant::now(), done);
    }
}

/// How long what is left will take at the pace of what was done; nothing where nothing was.
fn eta(took: Duration, done: u64, left: u64) -> Option<Duration> {
    (done > 0).then(|| took.mul_f64(left as f64 / done as f64))
}
