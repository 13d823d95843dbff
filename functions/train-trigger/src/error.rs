//! Why no training is begun.

use std::path::PathBuf;

use pappus_domain::RunId;
use pappus_host::{Dispose, Disposition};

/// Why no training is begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The metadata store failed.
    #[error("the catalog failed")]
    Catalog(#[from] pappus_catalog::Error),
    /// The job cannot be started.
    #[error("the training program {} cannot be started", .program.display())]
    Launch {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The job could not be watched to its end.
    #[error("the training of run {run} could not be watched to its end")]
    Watch {
        /// The run.
        run: RunId,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A training has been asked for just now.
    #[error("run {0} has been asked for and is not begun: whether to train is decided again in a moment")]
    NotBegun(RunId),
    /// Where trainings are to run is not known here.
    #[error(transparent)]
    Setting(#[from] pappus_host::Error),
    /// A cluster is of no use now.
    #[cfg(feature = "kubernetes")]
    #[error(transparent)]
    Kubernetes(#[from] crate::launcher::kubernetes::Fault),
    /// A function of AWS Lambda is of no use now.
    #[cfg(feature = "lambda")]
    #[error(transparent)]
    Lambda(#[from] crate::launcher::lambda::Fault),
    /// There is no such run.
    #[error("there is no run {0}: `pappus runs` lists those there are")]
    NoRun(RunId),
    /// What a job has written is not to be had from here.
    #[error("what run {run} has written is in {place}")]
    NoLogs {
        /// The run.
        run: RunId,
        /// Where to look.
        place: String,
    },
    /// What is asked for is no question of ours.
    #[error("{0}")]
    BadRequest(String),
    /// An event cannot be written.
    #[error("an event cannot be written")]
    Event(#[from] serde_json::Error),
}

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Catalog(error) => error.disposition(),
            Self::Launch { .. } | Self::Watch { .. } | Self::NotBegun(_) => Disposition::Unavailable,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(fault) => fault.disposition(),
            #[cfg(feature = "lambda")]
            Self::Lambda(fault) => fault.disposition(),
            Self::NoRun(_) | Self::NoLogs { .. } => Disposition::Absent,
            Self::BadRequest(_) => Disposition::Refused,
            Self::Event(_) | Self::Setting(_) => Disposition::Fault,
        }
    }
}
