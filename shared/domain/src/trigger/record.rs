//! What is kept of a decision.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::Decision;
use super::facts::{Cause, Facts};
use crate::model::ModelName;
use crate::run::RunId;

/// The id of a decision: a UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub Uuid);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DecisionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// A decision whether to train, with the figures behind it: a row of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// The model.
    pub model: ModelName,
    /// When.
    pub at: Timestamp,
    /// What asked.
    pub cause: Cause,
    /// What was known.
    pub facts: Facts,
    /// The answer.
    #[serde(flatten)]
    pub decision: Decision,
    /// The run that it began; none where nothing was begun.
    pub run: Option<RunId>,
}
