//! The life of one training: under a lease, with its run's row always telling the truth.

use std::time::Duration;

use pappus_catalog::{Acquired, while_held};
use pappus_domain::event::{ModelTrained, TrainingFailed};
use pappus_domain::{Event, Lease, Manifest, Run, RunId, RunStatus, Timestamp};
use pappus_host::{Context, Disposition, Failure};
use pappus_tracking::News;
use uuid::Uuid;

use crate::ended::Ended;
use crate::error::{Error, run_of};
use crate::learn::learn;
use crate::plots::plot;
use crate::progress::{Progress, Step};
use crate::publish::metrics;
use crate::report::Report;

/// How often a held lease is looked at, to see whether its holder lives.
const LOOK: Duration = Duration::from_millis(250);
/// Runs that are looked at for some that were cut off.
const RECENT: usize = 50;

/// What a training made.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The package's manifest.
    pub manifest: Manifest,
    /// Labelled images that stand in no data set, for they look like images of both sides.
    pub aside: u64,
}

impl Trained {
    /// The event that tells the others.
    pub fn event(&self) -> ModelTrained {
        let Manifest { name, version, training, .. } = self.manifest.clone();
        ModelTrained { model: name, version, run: training.run }
    }
}

/// What became of the wish that a run be done.
enum Outcome {
    /// It was done now.
    Trained(Box<Trained>),
    /// It was over already.
    Over(Box<Run>),
    /// Somebody else is doing it.
    Elsewhere(Lease),
}

/// The train stage.
#[derive(Clone)]
pub struct Train {
    context: Context,
    progress: Progress,
    /// Unique to this process.
    process: Uuid,
}

impl Train {
    /// Trains in the objects and catalog of `context`; `progress` is told what happens.
    pub fn new(context: Context, progress: Progress) -> Self {
        Self { context, progress, process: Uuid::now_v7() }
    }

    /// Tidies up after a training that was dropped: frees the lease and writes down why the run is over.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn abandon(&self, id: &RunId, why: &str) -> Result<(), Error> {
        self.let_go(id).await?;
        let failed = RunStatus::Failed { message: why.into() };
        self.context.catalog.update_run(id, None, &failed, Timestamp::now()).await?;
        self.context.tracking.tell(News::run(*id)).await;
        Ok(())
    }

    /// Frees the lease of a training that was dropped, and leaves its run open: another process may do it at once.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn let_go(&self, id: &RunId) -> Result<(), Error> {
        let catalog = &self.context.catalog;
        let lease = catalog.lease(&Lease::for_training(&self.context.settings.model)).await?;
        if let Some(lease) = lease.filter(|lease| lease.holder.starts_with(&self.holder(id))) {
            catalog.release_lease(&lease).await?;
        }
        Ok(())
    }

    /// How every holder of a lease begins that trains this run in this process.
    fn holder(&self, id: &RunId) -> String {
        format!("{id}/{}/", self.process)
    }

    /// Does the training that a run asks for. Nothing where the run is over already, or somebody else is doing it. Where
    /// another training holds the lease, watches it until it shows a sign of life, which ends this one with
    /// [`Error::UnderWay`], or until the lease runs out, which begins it.
    ///
    /// # Errors
    /// [`Error`]; the run's row has it too.
    pub async fn run(&self, id: &RunId) -> Result<Option<Trained>, Error> {
        match self.attempt(id, false).await? {
            Outcome::Trained(trained) => Ok(Some(*trained)),
            Outcome::Over(_) => Ok(None),
            Outcome::Elsewhere(lease) => {
                tracing::info!(run = %id, holder = lease.holder, "left to the process that is at work on it");
                Ok(None)
            }
        }
    }

    /// Does the training that an event asks for, and returns what the others are to be told. As the event may be delivered
    /// more than once: a run that is over is told of again, for its first telling may have failed.
    ///
    /// # Errors
    /// [`Error::UnderWay`] where somebody else is doing this very run: to be asked again later. [`Error::NoRun`]; what
    /// keeps a run's row from being read or written.
    pub async fn on_request(&self, id: &RunId) -> Result<Option<Ended>, Error> {
        match self.attempt(id, true).await {
            Ok(Outcome::Trained(trained)) => Ok(Some(Ended::Trained(trained.event()))),
            Ok(Outcome::Over(over)) => {
                self.context.tracking.tell(News::run(*id)).await;
                Ok(Ended::of_run(*over))
            }
            Ok(Outcome::Elsewhere(lease)) => Err(Error::UnderWay(lease)),
            Err(Error::Failed { failure, event }) => {
                tracing::error!(run = %id, error = %failure, "the training failed");
                Ok(event.map(Ended::Failed))
            }
            Err(error) => Err(error),
        }
    }

    /// How a run has ended, if it has: for whoever may not have been told.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Catalog`].
    pub async fn ended(&self, id: &RunId) -> Result<Option<Ended>, Error> {
        Ok(Ended::of_run(self.read(id).await?))
    }

    async fn read(&self, id: &RunId) -> Result<Run, Error> {
        self.context.catalog.run(id).await?.ok_or(Error::NoRun(*id))
    }

    /// With `comes_again`, a failure that another attempt may be spared of leaves the run open for it.
    async fn attempt(&self, id: &RunId, comes_again: bool) -> Result<Outcome, Error> {
        let run = self.read(id).await?;
        if run.status.is_over() {
            return Ok(Outcome::Over(run.into()));
        }
        match self.alone(&run).await {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                let failure = Failure::from(error);
                let passes = matches!(failure.disposition(), Disposition::Unavailable | Disposition::Conflict);
                if comes_again && passes {
                    return Err(Error::Interrupted(failure));
                }
                let message = failure.to_string();
                let failed = RunStatus::Failed { message: message.clone() };
                let moved = self.context.catalog.update_run(id, None, &failed, Timestamp::now()).await?;
                self.context.tracking.tell(News::run(*id)).await;
                let event = moved.then_some(TrainingFailed { model: run.request.model, run: *id, message });
                Err(Error::Failed { failure, event })
            }
        }
    }

    /// Trains under the lease, unless somebody else who holds it is at work on this very run.
    async fn alone(&self, run: &Run) -> Result<Outcome, Error> {
        let id = &run.request.run;
        let lease = match self.acquire(run).await {
            Err(Error::UnderWay(other)) if run_of(&other) == id.to_string() => return Ok(Outcome::Elsewhere(other)),
            acquired => acquired?,
        };
        let outcome = match self.read(id).await {
            // Whoever held the lease until now was at work on this very run.
            Ok(run) if run.status.is_over() => Ok(Outcome::Over(run.into())),
            Ok(run) => self.under(lease.clone(), &run).await.map(|trained| Outcome::Trained(trained.into())),
            Err(error) => Err(error),
        };
        if matches!(outcome, Err(Error::LeaseLost))
            && let Ok(Some(other)) = self.context.catalog.lease(&lease.name).await
            && run_of(&other) == id.to_string()
            && other.holder != lease.holder
        {
            return Ok(Outcome::Elsewhere(other));
        }
        if let Err(error) = self.context.catalog.release_lease(&lease).await {
            // It runs out by itself; what was done is done.
            tracing::warn!(lease = lease.name, error = &error as &dyn std::error::Error, "a lease was not given back");
        }
        outcome
    }

    async fn acquire(&self, run: &Run) -> Result<Lease, Error> {
        let name = Lease::for_training(&run.request.model);
        // Each attempt is a holder of its own, for the same run may be asked for twice at once.
        let holder = format!("{}{}", self.holder(&run.request.run), Uuid::now_v7());
        let mut seen: Option<Lease> = None;
        loop {
            match self.context.catalog.acquire_lease(&name, &holder, Timestamp::now()).await? {
                Acquired::Granted { lease, .. } => return Ok(lease),
                Acquired::Held(lease) => {
                    let lives = seen.as_ref().is_some_and(|s| s.holder != lease.holder || s.beat != lease.beat);
                    if lives {
                        return Err(Error::UnderWay(lease));
                    }
                    if seen.is_none() {
                        (self.progress)(Step::Waiting);
                    }
                    seen = Some(lease);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn under(&self, lease: Lease, run: &Run) -> Result<Trained, Error> {
        while_held(&self.context.catalog, lease, self.train(run)).await.unwrap_or(Err(Error::LeaseLost))
    }

    async fn train(&self, run: &Run) -> Result<Trained, Error> {
        let Context { catalog, objects, tracking, .. } = &self.context;
        self.bury_the_dead(run).await?;
        let id = &run.request.run;
        catalog.update_run(id, None, &RunStatus::RUNNING, Timestamp::now()).await?;
        tracking.tell(News::run(*id)).await;
        let report = Report::new();
        let progress = report.beside(self.progress.clone());
        let learned = tokio::select! {
            learned = learn(&self.context, &run.request, &progress) => learned?,
            ended = report.keep(catalog, id) => return Err(ended),
        };
        let manifest = learned.package.manifest.clone();
        (self.progress)(Step::Packing);
        // Before the package, so that whoever finds one finds its plot.
        plot(objects, &manifest, learned.validation).await;
        learned.package.write(&**objects).await?;
        catalog.record_model(&manifest).await?;
        let measured = metrics(&manifest.training.cross_validation, &manifest.training.test);
        let succeeded = RunStatus::Succeeded { version: manifest.version.clone(), metrics: measured };
        let data_set = Some(&manifest.training.data_set);
        if !catalog.update_run(id, data_set, &succeeded, Timestamp::now()).await? {
            return Err(Error::Ended(*id));
        }
        tracking.tell(News::run(*id)).await;
        Ok(Trained { manifest, aside: learned.aside })
    }

    /// Whoever holds the lease knows that no other training lives: older runs that are not over were cut off.
    async fn bury_the_dead(&self, run: &Run) -> Result<(), Error> {
        let catalog = &self.context.catalog;
        for other in catalog.runs(&run.request.model, RECENT).await? {
            if other.request.run < run.request.run && !other.status.is_over() {
                let message = format!("it was cut off, and run {} came after it", run.request.run);
                let id = other.request.run;
                let failed = RunStatus::Failed { message: message.clone() };
                let moved = catalog.update_run(&id, None, &failed, Timestamp::now()).await?;
                self.context.tracking.tell(News::run(id)).await;
                if moved {
                    self.publish(TrainingFailed { model: other.request.model, run: id, message }).await;
                }
            }
        }
        Ok(())
    }

    /// Tells the others of a run that nobody else tells of. Where they cannot be told, the row has it all the same.
    async fn publish(&self, failed: TrainingFailed) {
        let published = match Event::new("train", &failed, Timestamp::now()) {
            Ok(event) => self.context.events.publish(event).await,
            Err(error) => Err(Failure::from_error(error)),
        };
        if let Err(error) = published {
            tracing::warn!(run = %failed.run, %error, "nobody is told that it was cut off");
        }
    }
}
