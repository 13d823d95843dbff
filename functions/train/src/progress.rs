//! How far a training has come.

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
    },
    /// A candidate has been cross-validated.
    Validated {
        /// The candidate.
        candidate: String,
        /// Its accuracy, 0 to 1.
        accuracy: f64,
    },
    /// Writing the package.
    Packing,
}

/// Who is told.
pub type Progress = Arc<dyn Fn(Step) + Send + Sync>;
