//! Leases: who alone may do a thing now, until when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::ModelName;

/// The right to do one thing alone. Its holder renews it while it works; when the holder dies, it runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What for, such as `train/dandelion-grass`.
    pub name: String,
    /// Who holds it: unique to one holder, such as the id of a run.
    pub holder: String,
    /// Grows with each renewal, so that a watcher sees a living holder without comparing clocks.
    pub beat: u64,
    /// When it runs out unless renewed.
    pub expires_at: Timestamp,
}

impl Lease {
    /// How long a lease lasts without renewal.
    pub const LIFE: SignedDuration = SignedDuration::from_secs(10);
    /// How often a living holder renews it.
    pub const HEARTBEAT: SignedDuration = SignedDuration::from_secs(2);

    /// The lease under which a model is trained.
    pub fn for_training(model: &ModelName) -> String {
        format!("train/{model}")
    }

    /// Whether it has run out at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}
