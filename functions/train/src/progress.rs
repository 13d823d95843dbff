//! How far a training has come.

use std::fmt;
use std::sync::Arc;

/// What a training does now.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Somebody else holds the lease: watching whether they live.
    Waiting,
    /// Listing the labelled images.
    Freezing,
    /// Learning features from the images themselves.
    Learning,
    /// Running images through the feature network of a candidate.
    Extracting {
        /// The candidate.
        candidate: String,
        /// Images done.
        done: u64,
        /// Images in all.
        total: u64,
    },
    /// Cross-validating a candidate.
    Validating {
        /// The candidate.
        candidate: String,
        /// Folds done; they are told of in any order.
        done: u64,
        /// Folds in all.
        total: u64,
    },
    /// A candidate has been cross-validated.
    Validated {
        /// The candidate.
        candidate: String,
        /// Its accuracy, 0 to 1.
        accuracy: f64,
        /// Its loss, in nats.
        loss: f64,
    },
    /// Writing the package.
    Packing,
}

/// What people are told.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("another training holds the lease: seeing whether it lives"),
            Self::Freezing => f.write_str("freezing the data set"),
            Self::Learning => f.write_str("learning features from the images"),
            Self::Extracting { candidate, .. } => write!(f, "images through {candidate}"),
            Self::Validating { candidate, .. } => write!(f, "cross-validating {candidate}"),
            Self::Validated { candidate, accuracy, .. } => {
                write!(f, "{candidate}: {:.1} % cross-validated", 100.0 * accuracy)
            }
            Self::Packing => f.write_str("writing the package"),
        }
    }
}

/// Who is told.
pub type Progress = Arc<dyn Fn(Step) + Send + Sync>;
