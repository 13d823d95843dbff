//! Why there is no answer.

use pappus_domain::ModelVersion;
use pappus_domain::feedback::NoClass;
use pappus_domain::prediction::PredictionId;
use pappus_host::{Dispose, Disposition};
use pappus_inference::{ClassifyError, ImageError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing has been released.
    #[error("no model is released yet: train one with `pappus train`, then `pappus evaluate` and `pappus promote` it")]
    NoModel,
    /// What has been released cannot be loaded.
    #[error("the released version {version} cannot be loaded: {reason}")]
    Unloadable {
        /// The version.
        version: ModelVersion,
        /// Why not.
        reason: String,
    },
    /// The request holds no image.
    #[error("{0}")]
    BadRequest(String),
    /// The request is larger than allowed.
    #[error("the request is larger than the {limit} bytes allowed: send a smaller image")]
    TooLarge {
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// The request is of another type.
    #[error("content type `{0}` is not read: send the image itself, or multipart/form-data with a field `file`")]
    WrongType(String),
    /// The image or the model.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The model cannot be read or loaded.
    #[error("the model cannot be loaded")]
    Model(#[from] pappus_inference::Error),
    /// The metadata store failed.
    #[error("the catalog failed")]
    Catalog(#[from] pappus_catalog::Error),
    /// There is no such prediction.
    #[error("there is no prediction {0} in the log")]
    NoPrediction(PredictionId),
    /// The model that made a prediction is gone, and with it the names of its classes.
    #[error("version {0} is not in the catalog any more: what it answered cannot be judged")]
    NoManifest(ModelVersion),
    /// The truth is no class of the model.
    #[error(transparent)]
    NoClass(#[from] NoClass),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// The work was stopped from outside.
    #[error("loading was stopped")]
    Stopped(#[from] tokio::task::JoinError),
    /// An event cannot be written.
    #[error("an event cannot be written")]
    Event(#[from] serde_json::Error),
}

impl Error {
    /// A short stable name, for metrics.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::NoModel | Self::Unloadable { .. } => "no_model",
            Self::BadRequest(_) => "bad_request",
            Self::TooLarge { .. } => "too_large",
            Self::WrongType(_) => "wrong_type",
            Self::Classify(ClassifyError::Image(error)) => error.kind(),
            Self::Classify(ClassifyError::Overloaded) => "overloaded",
            Self::Classify(_) | Self::Model(_) => "model",
            Self::Catalog(_) => "catalog",
            Self::NoPrediction(_) | Self::NoManifest(_) | Self::NoClass(_) => "bad_feedback",
            Self::Objects(_) | Self::Key(_) => "objects",
            Self::Stopped(_) => "stopped",
            Self::Event(_) => "event",
        }
    }
}

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::BadRequest(_) | Self::NoClass(_) => Disposition::Refused,
            Self::NoPrediction(_) | Self::NoManifest(_) => Disposition::Absent,
            Self::TooLarge { .. } | Self::Classify(ClassifyError::Image(ImageError::TooManyBytes { .. })) => {
                Disposition::TooLarge
            }
            Self::WrongType(_) | Self::Classify(ClassifyError::Image(ImageError::UnsupportedFormat(_))) => {
                Disposition::WrongType
            }
            Self::Classify(ClassifyError::Image(_)) => Disposition::Refused,
            Self::Classify(ClassifyError::Overloaded) => Disposition::Overloaded,
            Self::Classify(ClassifyError::Model(_)) | Self::Event(_) | Self::Key(_) => Disposition::Fault,
            Self::Objects(error) => error.disposition(),
            Self::Catalog(error) => error.disposition(),
            Self::NoModel | Self::Unloadable { .. } | Self::Classify(_) | Self::Model(_) | Self::Stopped(_) => {
                Disposition::Unavailable
            }
        }
    }
}
