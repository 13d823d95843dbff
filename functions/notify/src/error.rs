//! Why people are not told.

use pappus_domain::event::BadEvent;
use pappus_host::{Dispose, Disposition};

/// Why people are not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What is to be told cannot be sent now, and perhaps later.
    #[error("{to} cannot be told")]
    Unreachable {
        /// The channel, without its secrets.
        to: String,
        /// Why not.
        #[source]
        source: Source,
    },
    /// What is to be told will never be taken.
    #[error("{to} refuses the message")]
    Refused {
        /// The channel, without its secrets.
        to: String,
        /// What it said.
        #[source]
        source: Source,
    },
    /// An email, or the way to its server, cannot be made.
    #[error("PAPPUS_NOTIFY_EMAIL cannot be used")]
    Email(#[source] Source),
    /// An event says nothing that can be read.
    #[error(transparent)]
    Event(#[from] BadEvent),
    /// The metadata store failed.
    #[error("what happened cannot be looked up")]
    Catalog(#[from] pappus_catalog::Error),
    /// The object store failed.
    #[error("what was told cannot be written down or looked up")]
    Objects(#[from] pappus_objects::Error),
    /// What was told has no place.
    #[error("what was told cannot be written down")]
    Key(#[from] pappus_objects::NotAKey),
}

/// What another library said, or a sentence.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. } | Self::Objects(_) => Disposition::Unavailable,
            Self::Refused { .. } => Disposition::Refused,
            Self::Catalog(error) => error.disposition(),
            Self::Event(error) => error.disposition(),
            Self::Email(_) | Self::Key(_) => Disposition::Fault,
        }
    }
}
