//! Why a version cannot be judged.

use pappus_domain::data_set::BadManifest;
use pappus_domain::stats::StatsError;
use pappus_domain::{Digest, ModelVersion};
use pappus_host::{Dispose, Disposition};

/// Why a version cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such version.
    #[error("there is no model version `{0}`: `pappus models` lists those there are")]
    NoVersion(ModelVersion),
    /// The test side is empty.
    #[error("data set {0} has no test images")]
    NoTestImages(Digest),
    /// The list of test images cannot be read.
    #[error("data set {data_set} cannot be read")]
    DataSet {
        /// The data set.
        data_set: Digest,
        /// Why not.
        #[source]
        source: BadManifest,
    },
    /// The list of test images is not what it was.
    #[error("data set {0} is damaged: its digest is another now, restore it")]
    Damaged(Digest),
    /// A model cannot answer.
    #[error("version {version} cannot answer")]
    Model {
        /// The version.
        version: ModelVersion,
        /// Why not.
        #[source]
        source: pappus_inference::Error,
    },
    /// A model cannot answer one image.
    #[error("version {version} cannot answer test image {image}")]
    Classify {
        /// The version.
        version: ModelVersion,
        /// The image.
        image: Digest,
        /// Why not.
        #[source]
        source: pappus_inference::ClassifyError,
    },
    /// The answers make no figures.
    #[error("the answers make no figures")]
    Figures(#[from] StatsError),
    /// The metadata store failed.
    #[error("the catalog failed")]
    Catalog(#[from] pappus_catalog::Error),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// The report cannot be written.
    #[error("the report cannot be written")]
    Json(#[from] serde_json::Error),
    /// A request over HTTP that cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The work was stopped from outside.
    #[error("the evaluation was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

impl Dispose for Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NoVersion(_) => Disposition::Absent,
            Self::BadRequest(_) | Self::NoTestImages(_) | Self::DataSet { .. } | Self::Damaged(_) => {
                Disposition::Refused
            }
            Self::Catalog(error) => error.disposition(),
            Self::Objects(_) | Self::Stopped(_) => Disposition::Unavailable,
            Self::Model { source: pappus_inference::Error::Objects(_), .. } => Disposition::Unavailable,
            _ => Disposition::Fault,
        }
    }
}
