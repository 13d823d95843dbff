//! Watches over what was launched, until its run is over: a run whose job has come to nothing is failed, and a job whose
//! run is over is ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::SignedDuration;
use pappus_domain::event::{ModelTrained, TrainingFailed};
use pappus_domain::run::TrainingRequest;
use pappus_domain::{Event, Lease, Run, RunId, RunStatus, Timestamp};
use pappus_host::{Context, Disposition, Failure};
use pappus_tracking::News;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::judging::{Act, Seen, judge};
use crate::launcher::Launcher;

/// The first and the longest time between two rounds.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));
/// Runs that are looked at for those that are not over.
const RECENT: usize = 50;

/// How the others learn what a job has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The job tells them itself, or whoever launched it does.
    ByJob,
    /// By the run's row, when it says that the run has succeeded: the job is where nobody hears it.
    ByRow,
}

/// Watches over the runs of one model.
pub struct Supervisor {
    context: Context,
    launcher: Arc<dyn Launcher>,
    telling: Telling,
    watched: Mutex<HashMap<RunId, Watched>>,
    /// There is something new to be watched.
    news: Arc<Notify>,
}

/// What is known of a run that is watched.
struct Watched {
    /// What is yet to be launched, where it could not be.
    to_launch: Option<TrainingRequest>,
    seen: Seen,
}

impl Supervisor {
    /// A supervisor of what `launcher` launches. It looks when it is asked to: [`Supervisor::attend`], [`Supervisor::round`].
    pub fn new(context: Context, launcher: Arc<dyn Launcher>, telling: Telling) -> Self {
        Self { context, launcher, telling, watched: Mutex::default(), news: Arc::default() }
    }

    /// Looks again and again, for as long as somebody has the supervisor: every few seconds where something is under way.
    pub fn attend(self: &Arc<Self>) {
        tokio::spawn(attend(Arc::downgrade(self), self.news.clone()));
    }

    /// Looks soon: something has happened that may be about a run.
    pub fn look_soon(&self) {
        self.news.notify_one();
    }

    /// Launches a training, and watches over it. What can never be launched as it stands is a run that has failed; what
    /// may be later is tried again, at each round.
    ///
    /// # Errors
    /// What the launcher fails with.
    pub async fn launch(&self, request: &TrainingRequest) -> Result<(), Failure> {
        let launched = self.try_to_launch(request).await;
        self.look_soon();
        launched
    }

    async fn try_to_launch(&self, request: &TrainingRequest) -> Result<(), Failure> {
        let run = request.run;
        let launched = self.launcher.launch(request).await.map_err(Failure::from);
        match &launched {
            Ok(()) => self.watch(run, |watched| watched.seen.launched = true),
            Err(failure) if failure.disposition() == Disposition::Refused => {
                failed(&self.context, run, &failure.to_string()).await?;
            }
            Err(_) => self.watch(run, |watched| watched.to_launch = Some(request.clone())),
        }
        launched
    }

    /// Looks once at every run that is not over, and at every job whose run is. Whether any of them is left.
    pub async fn round(&self) -> bool {
        let runs = match self.to_watch().await {
            Ok(runs) => runs,
            Err(error) => {
                tracing::warn!(error = %Failure::from(error), "the runs under way cannot be looked at");
                return true;
            }
        };
        for run in &runs {
            // Whoever does not answer says nothing of the run.
            if let Err(failure) = self.see_to(run).await {
                let id = run.request.run;
                tracing::warn!(run = %id, error = %failure, "a run cannot be seen to, to be tried again");
            }
        }
        !runs.is_empty()
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RunId, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch<T>(&self, run: RunId, change: impl FnOnce(&mut Watched) -> T) -> T {
        let mut watched = self.watched();
        let new = || Watched { to_launch: None, seen: Seen::new(Timestamp::now()) };
        change(watched.entry(run).or_insert_with(new))
    }

    /// The runs that are not over, and those whose jobs have not been seen to end.
    async fn to_watch(&self) -> Result<Vec<Run>, Error> {
        let catalog = &self.context.catalog;
        let mut runs = catalog.runs(&self.context.settings.model, RECENT).await?;
        let mut watched: Vec<RunId> = self.watched().keys().copied().collect();
        watched.retain(|id| runs.iter().all(|run| run.request.run != *id));
        for id in watched {
            match catalog.run(&id).await? {
                Some(run) => runs.push(run),
                None => drop(self.watched().remove(&id)),
            }
        }
        let watched = self.watched();
        runs.retain(|run| !run.status.is_over() || watched.contains_key(&run.request.run));
        Ok(runs)
    }

    async fn see_to(&self, run: &Run) -> Result<(), Failure> {
        let id = run.request.run;
        if run.status == RunStatus::Requested
            && let Some(request) = self.watch(id, |watched| watched.to_launch.take())
        {
            return self.try_to_launch(&request).await;
        }
        let state = self.launcher.look(id).await?;
        let is_at_work = self.is_at_work(id).await?;
        let now = Timestamp::now();
        let patience = SignedDuration::try_from(self.context.settings.launch_timeout).unwrap_or(SignedDuration::MAX);
        let act = self.watch(id, |watched| {
            watched.seen.note(&state, is_at_work, now);
            judge(run, &state, &watched.seen, patience, now)
        });
        match act {
            Act::Wait => {}
            Act::Fail(why) => {
                failed(&self.context, id, &why).await?;
            }
            Act::GiveUp(why) => {
                // First the run, so that a job that begins in this moment sees that it has none.
                failed(&self.context, id, &why).await?;
                self.launcher.cancel(id).await?;
            }
            Act::Cancel => self.launcher.cancel(id).await?,
            Act::Forget => {
                if self.telling == Telling::ByRow && self.watch(id, |watched| watched.seen.launched) {
                    self.tell(run).await?;
                }
                self.watched().remove(&id);
            }
        }
        Ok(())
    }

    /// Whether somebody holds the training lease for this very run.
    async fn is_at_work(&self, run: RunId) -> Result<bool, Error> {
        let name = Lease::for_training(&self.context.settings.model);
        let lease = self.context.catalog.lease(&name).await?;
        let lease = lease.filter(|lease| !lease.is_expired(Timestamp::now()));
        Ok(lease.is_some_and(|lease| lease.holder.split('/').next() == Some(run.to_string().as_str())))
    }

    /// Tells the others what a run has made, if it has succeeded.
    async fn tell(&self, run: &Run) -> Result<(), Failure> {
        let RunStatus::Succeeded { version, .. } = &run.status else { return Ok(()) };
        let (model, version) = (run.request.model.clone(), version.clone());
        let trained = ModelTrained { model, version, run: run.request.run };
        let event = Event::new("train", &trained, Timestamp::now()).map_err(Error::from)?;
        self.context.events.publish(event).await
    }
}

/// Rounds, for as long as there is a supervisor: often where something has just changed, and else seldom.
async fn attend(supervisor: Weak<Supervisor>, news: Arc<Notify>) {
    let (first, longest) = PAUSES;
    let mut pause = first;
    let mut is_idle = false;
    loop {
        let Some(attending) = supervisor.upgrade() else { return };
        if !is_idle {
            is_idle = !attending.round().await;
        }
        drop(attending);
        // However many events come, each of which may be about a run.
        sleep(first).await;
        let left = if is_idle { longest } else { pause - first };
        let is_woken = timeout(left, news.notified()).await.is_ok();
        is_idle &= !is_woken;
        pause = if is_woken { first } else { longest.min(pause * 2) };
    }
}

/// Marks a run as failed and tells whoever follows it; one that is over stays as it is. Whether it was marked.
pub(crate) async fn failed(context: &Context, run: RunId, message: &str) -> Result<bool, Error> {
    let failed = RunStatus::Failed { message: message.into() };
    let is_news = context.catalog.update_run(&run, None, &failed, Timestamp::now()).await?;
    if is_news {
        tracing::error!(%run, message, "a training has failed");
        context.tracking.tell(News::run(run)).await;
        let failed = TrainingFailed { model: context.settings.model.clone(), run, message: message.into() };
        // Its row says it all the same.
        if let Err(error) = context.events.publish(Event::new("train-trigger", &failed, Timestamp::now())?).await {
            tracing::error!(%run, %error, "that a training has failed was not published");
        }
    }
    Ok(is_news)
}
