//! McNemar's test: which of two models is better on the same images.

use serde::{Deserialize, Serialize};

use super::{Answer, StatsError};

/// The exact test of McNemar (Q. McNemar, "Note on the sampling error of the difference between correlated proportions
/// or percentages", Psychometrika 12, 1947; exact by the binomial distribution of the discordant images as in
/// A. Agresti, "Categorical Data Analysis", 3rd edition, section 11.1). Only images that one of the two models alone
/// gets right tell them apart; were the models equally good, each such image would be a fair coin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Images that the champion alone gets right.
    pub champion_only: u32,
    /// Images that the candidate alone gets right.
    pub candidate_only: u32,
    /// How probable a difference of at least this size is, either way, between equally good models.
    pub p_different: f64,
    /// How probable it is that the candidate comes off at least this badly against an equally good champion.
    pub p_worse: f64,
}

impl McNemar {
    /// The test, from the discordant counts.
    pub fn new(champion_only: u32, candidate_only: u32) -> Self {
        let trials = u64::from(champion_only) + u64::from(candidate_only);
        let lesser = u64::from(champion_only.min(candidate_only));
        Self {
            champion_only,
            candidate_only,
            p_different: (2.0 * at_most(lesser, trials)).min(1.0),
            p_worse: at_most(candidate_only.into(), trials),
        }
    }

    /// The test, from both models' answers to the same images in the same order.
    ///
    /// # Errors
    /// [`StatsError::OtherImages`] where the numbers of answers or their true classes differ.
    pub fn compare(candidate: &[Answer], champion: &[Answer]) -> Result<Self, StatsError> {
        let same_truth = || candidate.iter().zip(champion).all(|(a, b)| a.truth == b.truth);
        if candidate.len() != champion.len() || !same_truth() {
            return Err(StatsError::OtherImages { candidate: candidate.len(), champion: champion.len() });
        }
        let alone = |one: &[Answer], other: &[Answer]| {
            let images = one.iter().zip(other).filter(|(one, other)| one.is_right() && !other.is_right());
            u32::try_from(images.count()).unwrap_or(u32::MAX)
        };
        Ok(Self::new(alone(champion, candidate), alone(candidate, champion)))
    }
}

/// The probability of at most `heads` heads in `tosses` tosses of a fair coin.
///
/// Works with the binomial coefficients relative to the largest one, each from its neighbour, so nothing overflows and
/// no rounding is magnified; stops where they vanish, after some 20 √`tosses` steps.
fn at_most(heads: u64, tosses: u64) -> f64 {
    if heads >= tosses {
        return 1.0;
    }
    if 2 * heads >= tosses {
        return 1.0 - at_most(tosses - heads - 1, tosses);
    }
    let (mut weight, mut lower_half, mut tail) = (1.0, 0.0, 0.0);
    for k in (0..=tosses / 2).rev() {
        lower_half += weight;
        if k <= heads {
            tail += weight;
        }
        weight *= k as f64 / (tosses - k + 1) as f64;
        if weight < f64::MIN_POSITIVE {
            break;
        }
    }
    // The upper half mirrors the lower; with an even number of tosses they share the middle, whose weight is 1.
    let middle = if tosses.is_multiple_of(2) { 1.0 } else { 0.0 };
    tail / (2.0 * lower_half - middle)
}
