//! Watches over what was launched, until its run is over: a run whose job has come to nothing is failed, and a job whose
//! run is over is ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::launcher::{JobState, Launcher};

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
    watched: Mutex<HashMap<RunId, Seen>>,
    /// Whether what was missed before there was a supervisor has been made up for.
    has_caught_up: AtomicBool,
    /// There is something new to be watched.
    news: Arc<Notify>,
}

impl Supervisor {
    /// A supervisor of what `launcher` launches. It looks when it is asked to: [`Supervisor::attend`], [`Supervisor::round`].
    pub fn new(context: Context, launcher: Arc<dyn Launcher>, telling: Telling) -> Self {
        let has_caught_up = AtomicBool::new(false);
        Self { context, launcher, telling, watched: Mutex::default(), has_caught_up, news: Arc::default() }
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
        let launched = self.launcher.launch(request).await.map_err(Failure::from);
        if let Err(failure) = &launched
            && failure.disposition() == Disposition::Refused
        {
            failed(&self.context, request.run, &failure.to_string()).await?;
            return launched;
        }
        let outcome = launched.as_ref().copied().map_err(ToString::to_string);
        self.watch(request.run, |seen| seen.note_launch(outcome));
        launched
    }

    /// Looks once at every run that is not over, and at every job whose run is. Whether any of them is left.
    pub async fn round(&self) -> bool {
        if !self.has_caught_up.load(Ordering::Relaxed) {
            match self.catch_up().await {
                Ok(()) => self.has_caught_up.store(true, Ordering::Relaxed),
                Err(failure) => tracing::warn!(error = %failure, "what was missed cannot be looked at"),
            }
        }
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

    fn watched(&self) -> MutexGuard<'_, HashMap<RunId, Seen>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch<T>(&self, run: RunId, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(self.watched().entry(run).or_insert_with(Seen::new))
    }

    /// Tells again of the last run, where it has made what nobody has judged: whoever was to tell of it may have ended
    /// before. Of one that somebody began by hand, who may want to judge it by hand, nothing is told.
    async fn catch_up(&self) -> Result<(), Failure> {
        let Context { catalog, settings, .. } = &self.context;
        let Some(last) = catalog.runs(&settings.model, 1).await.map_err(Error::from)?.pop() else { return Ok(()) };
        let RunStatus::Succeeded { version, .. } = &last.status else { return Ok(()) };
        // It may be being told in this moment.
        if Timestamp::now().duration_since(last.updated_at) < Lease::LIFE {
            return Ok(());
        }
        let decisions = catalog.decisions(&settings.model, RECENT).await.map_err(Error::from)?;
        let is_ours = decisions.iter().any(|decision| decision.run == Some(last.request.run));
        let judged = catalog.evaluation(&settings.model, version).await.map_err(Error::from)?;
        if is_ours && judged.is_none() { self.tell(&last).await } else { Ok(()) }
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
        let state = self.launcher.look(id).await?;
        let is_at_work = self.is_at_work(id).await?;
        let now = Timestamp::now();
        let patience = SignedDuration::try_from(self.context.settings.launch_timeout).unwrap_or(SignedDuration::MAX);
        let act = self.watch(id, |seen| {
            seen.note(&state, is_at_work, now);
            judge(run, &state, seen, patience, now)
        });
        match act {
            Act::Wait => {}
            Act::Launch => self.try_to_launch(&run.request).await?,
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
                if self.is_untold(run, &state) {
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

    /// Whether the others have not heard from the job how its run has ended, or may not have.
    fn is_untold(&self, run: &Run, state: &JobState) -> bool {
        let has_succeeded = matches!(run.status, RunStatus::Succeeded { .. });
        match self.telling {
            Telling::ByRow => {
                matches!(state, JobState::Untold { .. }) || self.watch(run.request.run, |seen| seen.launched)
            }
            // One that has made a model and fails could not say so.
            Telling::ByJob => has_succeeded && matches!(state, JobState::Failed { .. }),
        }
    }

    /// Tells the others how a run has ended. Its events are the same however often it is told.
    async fn tell(&self, run: &Run) -> Result<(), Failure> {
        let (model, id) = (run.request.model.clone(), run.request.run);
        let event = match run.status.clone() {
            RunStatus::Succeeded { version, .. } => {
                Event::new("train", &ModelTrained { model, version, run: id }, Timestamp::now())
            }
            RunStatus::Failed { message } => {
                Event::new("train", &TrainingFailed { model, run: id, message }, Timestamp::now())
            }
            RunStatus::Requested | RunStatus::Running { .. } => return Ok(()),
        };
        self.context.events.publish(event.map_err(Error::from)?).await
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

/// Marks a run as failed and tells whoever follows it; one that is over stays as it is.
pub(crate) async fn failed(context: &Context, run: RunId, message: &str) -> Result<(), Error> {
    let Some(failed) = mark_failed(context, run, message).await? else { return Ok(()) };
    tracing::error!(%run, message, "a training has failed");
    // Its row says it all the same.
    if let Err(error) = context.events.publish(Event::new("train-trigger", &failed, Timestamp::now())?).await {
        tracing::error!(%run, %error, "that a training has failed was not published");
    }
    Ok(())
}

/// Marks a run as failed; the event that tells the others, unless it was over already.
pub(crate) async fn mark_failed(context: &Context, run: RunId, message: &str) -> Result<Option<TrainingFailed>, Error> {
    let failed = RunStatus::Failed { message: message.into() };
    if !context.catalog.update_run(&run, None, &failed, Timestamp::now()).await? {
        return Ok(None);
    }
    context.tracking.tell(News::run(run)).await;
    Ok(Some(TrainingFailed { model: context.settings.model.clone(), run, message: message.into() }))
}
