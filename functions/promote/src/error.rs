//! Why a release does not change.

use pappus_domain::ModelVersion;
use pappus_domain::release::CannotChange;
use pappus_host::{Dispose, Disposition};

/// Why a release does not change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such version.
    #[error("there is no model version `{0}`: `pappus models` lists those there are")]
    NoVersion(ModelVersion),
    /// Nobody has judged it.
    #[error("version {0} has not been evaluated: run `pappus evaluate {0}` first, or promote it with --force")]
    NotEvaluated(ModelVersion),
    /// It was found wanting.
    #[error("version {version} did not pass {}: mend that, or promote it with --force", .gates.join(", "))]
    Failed {
        /// The version.
        version: ModelVersion,
        /// The gates that it did not pass, with their figures.
        gates: Vec<String>,
    },
    /// It was compared with a champion that is none any more.
    #[error(
        "version {version} was judged against {judged}, but the champion is {champion} now: run `pappus evaluate \
         {version}` again"
    )]
    Outdated {
        /// The version.
        version: ModelVersion,
        /// What it was compared with.
        judged: String,
        /// What answers now.
        champion: ModelVersion,
    },
    /// It was champion, and another took its place.
    #[error("version {0} was champion before and was replaced: `pappus promote {0}` brings it back")]
    Replaced(ModelVersion),
    /// The release is as it is.
    #[error(transparent)]
    Cannot(#[from] CannotChange),
    /// No release yet.
    #[error("nothing has been released yet: `pappus promote VERSION` releases a version")]
    NothingReleased,
    /// The metadata store failed, or somebody else was quicker.
    #[error("the release was not changed")]
    Catalog(#[from] pappus_catalog::Error),
    /// A request over HTTP that cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// An event cannot be written.
    #[error("an event cannot be written")]
    Event(#[from] serde_json::Error),
}

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NoVersion(_) => Disposition::Absent,
            Self::Catalog(error) => error.disposition(),
            Self::Event(_) => Disposition::Fault,
            _ => Disposition::Refused,
        }
    }
}
