//! Runs: one training each, from the request to what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::image::UnknownName;
use crate::model::{ModelName, ModelVersion};

/// The id of a run: a UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// How a model is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipe {
    /// Whatever of the others is possible, and of that what cross-validation prefers.
    #[default]
    Auto,
    /// A head on the features of a pretrained network.
    Transfer,
    /// Features learned from the images themselves: nothing to download.
    Scratch,
}

impl Recipe {
    /// `auto`, `transfer` or `scratch`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Transfer => "transfer",
            Self::Scratch => "scratch",
        }
    }
}

impl FromStr for Recipe {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Auto, Self::Transfer, Self::Scratch]
            .into_iter()
            .find(|recipe| recipe.as_str() == text)
            .ok_or_else(|| UnknownName { what: "recipe", value: text.into() })
    }
}

/// What a training is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRequest {
    /// The run this is.
    pub run: RunId,
    /// The model to make a version of.
    pub model: ModelName,
    /// How to learn it.
    #[serde(default)]
    pub recipe: Recipe,
    /// The pretrained network, an ONNX file, for the recipes that use one.
    #[serde(default)]
    pub backbone: Option<PathBuf>,
    /// How that network wants its pixels, where no file beside it says so: `imagenet`, `minus-one-to-one` or `caffe`.
    /// Without a word the training tries each.
    #[serde(default)]
    pub normalisation: Option<String>,
    /// The seed of everything drawn by chance.
    #[serde(default)]
    pub seed: u64,
    /// The seconds that `auto` may spend before it settles for what it has.
    #[serde(default)]
    pub budget_seconds: Option<u64>,
    /// Who or what asked, such as `operator`, `schedule` or `50 new images`.
    pub reason: String,
}

/// How far a training that is under way has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What it does now, such as `cross-validating scratch`.
    pub stage: String,
    /// Of that, so many images or folds are done; none where it cannot be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Of so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The cross-validated accuracy of the last way of learning that was tried, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Its cross-validated loss, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// The seconds that this stage will take, at the pace of what is done of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum RunStatus {
    /// Asked for, not begun.
    Requested,
    /// Under way.
    Running {
        /// How far it has come, once it has said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
    },
    /// Done.
    Succeeded {
        /// What it made.
        version: ModelVersion,
        /// What was measured, by name.
        metrics: BTreeMap<String, f64>,
    },
    /// Over, with nothing to show.
    Failed {
        /// Why.
        message: String,
    },
}

impl RunStatus {
    /// Under way, and has said nothing yet.
    pub const RUNNING: Self = Self::Running { progress: None };

    /// `requested`, `running`, `succeeded` or `failed`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Running { .. } => "running",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether nothing more will happen to the run.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Failed { .. })
    }
}

/// One training: a row of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked.
    #[serde(flatten)]
    pub request: TrainingRequest,
    /// What it learned from, once that was frozen.
    pub data_set: Option<Digest>,
    /// How far it has come.
    #[serde(flatten)]
    pub status: RunStatus,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}
