//! Why a training makes no model.

use std::path::PathBuf;

use pappus_domain::data_set::TooFew;
use pappus_domain::event::TrainingFailed;
use pappus_domain::{Digest, Image, Lease, RunId};
use pappus_host::{Dispose, Disposition, Failure};

/// Why a training makes no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such run.
    #[error("there is no run {0}: `pappus runs` lists those there are")]
    NoRun(RunId),
    /// Somebody else trains this model now.
    #[error(
        "another training is under way (run {}): wait for it to end, `pappus runs` shows how far it is", run_of(.0)
    )]
    UnderWay(Lease),
    /// The lease was lost while training: another may have begun.
    #[error("the lease on training was lost, so the result was thrown away: train again")]
    LeaseLost,
    /// Somebody has ended the run while it was trained.
    #[error("run {0} was ended by somebody else: its training was stopped")]
    Ended(RunId),
    /// The training failed, and its run says so.
    #[error("{failure}")]
    Failed {
        /// Why.
        failure: Failure,
        /// What the others are to be told; nothing where the run was over already.
        event: Option<TrainingFailed>,
    },
    /// It has not been done now, and may be done later: the run is open.
    #[error("{0}")]
    Interrupted(Failure),
    /// The process was asked to end while it trained: the run is open.
    #[error("run {0} was given up, for this process was asked to end: ask for it again")]
    Stopping(RunId),
    /// There are not enough images.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// A recipe needs a network that was not given.
    #[error("the recipe `transfer` needs a pretrained network: give an ONNX file with --backbone FILE")]
    NoBackbone,
    /// A file cannot be read.
    #[error("{} cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A backbone, or its description, is of no use.
    #[error("{} cannot be used as a backbone", .path.display())]
    Backbone {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: pappus_learning::Error,
    },
    /// ONNX Runtime refuses a backbone.
    #[error("{} cannot be run", .path.display())]
    BackboneRun {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: pappus_inference::Error,
    },
    /// The bytes of a stored image are gone.
    #[error("image {0} cannot be used: its stored bytes are lost, ingest it again")]
    Lost(Digest),
    /// A stored image cannot be used any more.
    #[error(
        "image {image} cannot be used: its stored bytes are damaged, remove the object `{}` and ingest it again",
        Image::object_key(.image)
    )]
    Image {
        /// The image.
        image: Digest,
        /// Why not.
        #[source]
        source: pappus_inference::ImageError,
    },
    /// Learning failed.
    #[error("learning failed")]
    Learning(#[from] pappus_learning::Error),
    /// A network failed.
    #[error("a network failed")]
    Inference(#[from] pappus_inference::Error),
    /// The metadata store failed.
    #[error("the catalog failed")]
    Catalog(#[from] pappus_catalog::Error),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// An event cannot be written.
    #[error("an event cannot be written")]
    Event(#[from] serde_json::Error),
    /// The work was stopped from outside.
    #[error("a part of the training was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// The run under which a lease on training is held.
pub(crate) fn run_of(lease: &Lease) -> &str {
    lease.holder.split('/').next().unwrap_or_default()
}

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Failed { failure, .. } | Self::Interrupted(failure) => failure.disposition(),
            Self::NoRun(_) => Disposition::Absent,
            Self::UnderWay(_) | Self::LeaseLost => Disposition::Conflict,
            Self::Ended(_) | Self::TooFew(_) | Self::NoBackbone | Self::File { .. } | Self::Backbone { .. } => {
                Disposition::Refused
            }
            Self::Catalog(error) => error.disposition(),
            Self::Objects(_) | Self::Stopped(_) | Self::Stopping(_) => Disposition::Unavailable,
            _ => Disposition::Fault,
        }
    }
}
