//! What is written down to be told: that something has changed, not what it is now.

use pappus_domain::{ModelName, ModelVersion, RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// That something has changed. What it is now is read when it is told, so that news which waited tell nothing old, and
/// twice is as once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum News {
    /// A run has moved on.
    Run {
        /// The run.
        run: RunId,
        /// What was measured on the way, which stands nowhere else.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        measures: Vec<Measure>,
    },
    /// A version has been judged.
    Version {
        /// The model.
        model: ModelName,
        /// The version.
        version: ModelVersion,
    },
    /// Another version answers.
    Release {
        /// The model.
        model: ModelName,
    },
}

/// One figure at one step of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured, such as `candidate/accuracy`.
    pub name: String,
    /// At which step, from 1.
    pub step: u64,
    /// The figure.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

impl News {
    /// News of a run, without figures.
    pub const fn run(run: RunId) -> Self {
        Self::Run { run, measures: Vec::new() }
    }

    /// Whether other news is of the same thing.
    pub(crate) fn is_of_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run { run, .. }, Self::Run { run: other, .. }) => run == other,
            _ => self == other,
        }
    }

    /// This and other news of the same thing.
    #[must_use]
    pub(crate) fn with(mut self, other: Self) -> Self {
        if let (Self::Run { measures, .. }, Self::Run { measures: more, .. }) = (&mut self, other) {
            measures.extend(more);
        }
        self
    }
}
