//! How it stands with what is to be told.

use pappus_domain::Timestamp;
use serde::Serialize;

/// How it stands with what is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The server; none where nobody is told.
    pub server: Option<String>,
    /// How much waits.
    pub waiting: usize,
    /// Since when the oldest of it waits.
    pub oldest: Option<Timestamp>,
    /// When it was last tried to tell something.
    pub tried_at: Option<Timestamp>,
    /// Why that did not come to an end; none where it did.
    pub trouble: Option<String>,
    /// How much MLflow refused, and was set aside.
    pub refused: usize,
    /// The last of that.
    pub last_refusal: Option<Refusal>,
}

/// What MLflow refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}
