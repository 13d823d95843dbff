//! Whether to train now: a pure function of counted facts.

use serde::{Deserialize, Serialize};

/// What is known when the question comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Labelled images that are in no data set a training has used.
    pub new_images: u64,
    /// Labelled images in all.
    pub labelled_images: u64,
    /// Whether a model has ever been trained.
    pub has_model: bool,
}

/// When a training is worth its while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The least number of new labelled images.
    pub new_images: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { new_images: 50 }
    }
}

/// The answer, with the figures behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether to train.
    pub train: bool,
    /// The figures, for people.
    pub reason: String,
}

impl Policy {
    /// Decides.
    pub fn decide(&self, facts: Facts) -> Decision {
        let Facts { new_images, labelled_images, has_model } = facts;
        let train = new_images >= self.new_images;
        let since = if has_model { "since the last data set" } else { "and no model yet" };
        let reason = format!(
            "{new_images} new labelled images {since} (of {labelled_images}); the policy wants {}",
            self.new_images
        );
        Decision { train, reason }
    }
}
