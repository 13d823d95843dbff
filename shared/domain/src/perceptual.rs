//! The perceptual hash: alike pictures have hashes that differ in few bits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A 64-bit difference hash (dHash): bit `8 y + x` says whether, in the picture reduced to 9×8 grey pixels, pixel
/// `(x + 1, y)` is brighter than `(x, y)`. Computed in `pappus-inference`; stored for ever, so its definition is frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerceptualHash(pub u64);

impl PerceptualHash {
    /// Two pictures whose hashes differ in at most this many of the 64 bits count as the same picture.
    pub const NEAR: u32 = 5;

    /// The number of bits in which two hashes differ, 0 to 64.
    pub const fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Whether two pictures count as near-duplicates of each other.
    pub const fn is_near(self, other: Self) -> bool {
        self.distance(other) <= Self::NEAR
    }
}

impl fmt::Display for PerceptualHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for PerceptualHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerceptualHash({self})")
    }
}
