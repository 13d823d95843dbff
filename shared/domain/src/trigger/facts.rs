//! What is known when the question comes up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stats::Proportion;

/// What asks whether to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// Something may have changed: images came, or a training is over.
    Change,
    /// Somebody has told what an image truly shows.
    Feedback,
    /// A schedule came round.
    Schedule,
    /// An alert is firing.
    Alert {
        /// Its name.
        name: String,
    },
    /// A person asks, or a program in a person's stead.
    Operator {
        /// Why.
        reason: String,
    },
}

/// The mean confidence of the answers within the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanConfidence {
    /// The mean, 0 to 1.
    pub mean: f64,
    /// Of so many answers.
    pub of: u64,
}

impl MeanConfidence {
    /// The mean of the probabilities of the classes that were answered; 0 where there are none.
    pub fn of(confidences: impl IntoIterator<Item = f32>) -> Self {
        let add = |(sum, of): (f64, u64), confidence: f32| (sum + f64::from(confidence), of + 1);
        let (sum, of) = confidences.into_iter().fold((0.0, 0), add);
        Self { mean: if of == 0 { 0.0 } else { sum / of as f64 }, of }
    }
}

/// What is known when the question comes up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Now.
    pub at: Timestamp,
    /// Labelled images in all.
    pub labelled_images: u64,
    /// Labelled images when the last data set that was learned from was frozen; none where no training has succeeded.
    pub used_images: Option<u64>,
    /// Answers within the window that their true labels say are right.
    pub live_accuracy: Option<Proportion>,
    /// How sure the answers within the window are.
    pub confidence: Option<MeanConfidence>,
    /// How far the images within the window are from those that were learned from, where that is measured.
    pub drift: Option<f64>,
    /// When the last training was asked for.
    pub last_request: Option<Timestamp>,
    /// Trainings that were asked for within the last 24 hours.
    pub requests_last_day: u32,
    /// Whether a model is released.
    pub has_champion: bool,
}

impl Facts {
    /// Labelled images that are in no data set that was learned from.
    pub fn new_images(&self) -> u64 {
        self.labelled_images.saturating_sub(self.used_images.unwrap_or(0))
    }
}
