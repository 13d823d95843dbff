//! Predictions: what was answered, by which model, about which image.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::image::Label;
use crate::model::{ModelName, ModelVersion};

/// The id of a prediction: a UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PredictionId(pub Uuid);

impl fmt::Display for PredictionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PredictionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// One answer: a row of the prediction log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The id, also the `request_id` of the HTTP answer.
    pub id: PredictionId,
    /// The model that answered.
    pub model: ModelName,
    /// Its version.
    pub version: ModelVersion,
    /// The SHA-256 of the image's bytes; the bytes themselves are not kept.
    pub image: Digest,
    /// The class with the highest probability.
    pub class: Label,
    /// The probability of each class; they sum to 1.
    pub probabilities: BTreeMap<Label, f32>,
    /// From the bytes to the answer, in microseconds.
    pub latency_us: u64,
    /// How it was asked: `http`, `batch`, `cli`.
    pub source: String,
    /// When.
    pub at: Timestamp,
}
