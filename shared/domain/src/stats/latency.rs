//! How long a model takes for one image.

use serde::{Deserialize, Serialize};

/// How long answers took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the answers took no longer than this.
    pub median_us: u64,
    /// Nineteen of twenty answers took no longer than this.
    pub p95_us: u64,
    /// The number of answers timed.
    pub answers: u64,
}

impl Latency {
    /// The latency of answers that took so many `microseconds`, or `None` where there were none. Quantiles are by
    /// nearest rank, so each is a time that was measured.
    pub fn of(microseconds: &[u64]) -> Option<Self> {
        let mut sorted = microseconds.to_vec();
        sorted.sort_unstable();
        let quantile = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self { median_us: quantile(50)?, p95_us: quantile(95)?, answers: sorted.len() as u64 })
    }
}
