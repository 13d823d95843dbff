//! Why an ingest stops. A single bad image never stops one.

use std::path::PathBuf;

use pappus_domain::image::NotALabel;
use pappus_host::{Dispose, Disposition};

/// Why an ingest stops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path is nothing.
    #[error("{} cannot be read", .path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A path has no files in it.
    #[error("{} has no files in it: give a folder that holds a folder of images for each class", .0.display())]
    Empty(PathBuf),
    /// A folder's name cannot be a label.
    #[error("the folder {} cannot name a class", .path.display())]
    Label {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: NotALabel,
    },
    /// A manifest is no CSV.
    #[error("{} cannot be read as CSV", .path.display())]
    Csv {
        /// The manifest.
        path: PathBuf,
        /// Why not.
        #[source]
        source: csv::Error,
    },
    /// A manifest lacks a column.
    #[error("{} has no column `{column}`: it needs `url_source` and `label`, and has {found}", .path.display())]
    Column {
        /// The manifest.
        path: PathBuf,
        /// What is missing.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// The metadata store failed.
    #[error("the catalog failed: run the same command again to go on")]
    Catalog(#[from] pappus_catalog::Error),
    /// The object store failed.
    #[error("the object store failed: run the same command again to go on")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// The work was stopped from outside.
    #[error("a part of the ingest was stopped: run the same command again to go on")]
    Stopped(#[from] tokio::task::JoinError),
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
            Self::Path { .. } => Disposition::Absent,
            Self::BadRequest(_) | Self::Empty(_) | Self::Label { .. } | Self::Csv { .. } | Self::Column { .. } => {
                Disposition::Refused
            }
            Self::Catalog(error) => error.disposition(),
            Self::Objects(error) => error.disposition(),
            Self::Stopped(_) => Disposition::Unavailable,
            Self::Key(_) | Self::Event(_) => Disposition::Fault,
        }
    }
}
