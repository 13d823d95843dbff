//! A share of successes, with the interval that says how little a small test side knows.

use serde::{Deserialize, Serialize};

use super::Interval;

/// A share of `of` trials, with its 95 % interval after Wilson (E. B. Wilson, "Probable inference, the law of
/// succession, and statistical inference", JASA 22, 1927).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// The share, 0 to 1; 0 where there were no trials.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The number of trials.
    pub of: u64,
}

impl Proportion {
    /// The share of `successes` among `of` trials. With no trials the interval is everything.
    pub fn new(successes: u64, of: u64) -> Self {
        if of == 0 {
            return Self { value: 0.0, low: 0.0, high: 1.0, of };
        }
        const Z: f64 = 1.959_963_984_540_054;
        let (n, p) = (of as f64, successes.min(of) as f64 / of as f64);
        let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // At 0 and 1 an end of the interval is the share itself, which rounding must not step over.
        Self { value: p, low: (centre - half).clamp(0.0, p), high: (centre + half).clamp(p, 1.0), of }
    }
}

impl From<Proportion> for Interval {
    fn from(Proportion { value, low, high, .. }: Proportion) -> Self {
        Self { value, low, high }
    }
}
