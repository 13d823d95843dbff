//! How a training came out, as the others are told.

use pappus_domain::event::{ModelTrained, TrainingFailed};
use pappus_domain::{Event, Run, RunStatus, Timestamp};

use crate::error::Error;
use crate::job::Trained;

/// How a training came out, as the others are told.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It made a version.
    Trained(ModelTrained),
    /// It made none.
    Failed(TrainingFailed),
}

impl Ended {
    /// How [`Train::run`](crate::Train::run) came out; nothing where that is for somebody else to tell.
    pub fn of(done: &Result<Option<Trained>, Error>) -> Option<Self> {
        match done {
            Ok(trained) => trained.as_ref().map(|trained| Self::Trained(trained.event())),
            Err(Error::Failed { event, .. }) => event.clone().map(Self::Failed),
            Err(_) => None,
        }
    }

    /// How a run came out, if it is over: the same event each time, so that whoever is told again knows it.
    pub(crate) fn of_run(run: Run) -> Option<Self> {
        let (model, id) = (run.request.model, run.request.run);
        match run.status {
            RunStatus::Succeeded { version, .. } => Some(Self::Trained(ModelTrained { model, version, run: id })),
            RunStatus::Failed { message } => Some(Self::Failed(TrainingFailed { model, run: id, message })),
            RunStatus::Requested | RunStatus::Running { .. } => None,
        }
    }

    /// The event that says so.
    ///
    /// # Errors
    /// [`Error::Event`].
    pub fn event(&self) -> Result<Event, Error> {
        let now = Timestamp::now();
        Ok(match self {
            Self::Trained(trained) => Event::new("train", trained, now)?,
            Self::Failed(failed) => Event::new("train", failed, now)?,
        })
    }
}
