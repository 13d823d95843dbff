//! Where a training runs.

#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "lambda")]
pub mod lambda;
mod open;
mod process;

use async_trait::async_trait;
use pappus_domain::run::TrainingRequest;
use pappus_domain::{RunId, Timestamp};

pub use open::{Child, open};
pub use process::ProcessLauncher;

use crate::error::Error;

/// How far the job of a run has come, as those who run it say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// There is none.
    Absent,
    /// It waits to begin.
    Pending {
        /// What for, where they say.
        why: Option<String>,
        /// Since when.
        since: Timestamp,
    },
    /// It is at work.
    Running,
    /// It has ended well.
    Succeeded,
    /// It has ended, and will not be tried again.
    Failed {
        /// Why.
        why: String,
    },
    /// They do not say: only the run's row and its lease tell how far it is.
    Untold {
        /// Where a person may look.
        whereabouts: String,
    },
}

/// What starts a training somewhere.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts the training of a run that is in the catalog, and returns at once. Nothing happens where its job is there
    /// already.
    async fn launch(&self, request: &TrainingRequest) -> Result<(), Error>;

    /// How far its job has come.
    async fn look(&self, run: RunId) -> Result<JobState, Error>;

    /// Ends its job, if there is one.
    async fn cancel(&self, run: RunId) -> Result<(), Error>;

    /// The last lines that its job has written.
    async fn logs(&self, run: RunId, lines: i64) -> Result<String, Error>;
}
