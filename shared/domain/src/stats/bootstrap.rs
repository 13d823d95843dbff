//! The bootstrap: how much a figure would vary on other images of the same kind.

use serde::{Deserialize, Serialize};

/// A figure with its 95 % interval: the percentile bootstrap (B. Efron, R. J. Tibshirani, "An Introduction to the
/// Bootstrap", 1993, section 13.3) where no other way is named. Where a small sample's bias would leave the figure
/// outside, the interval is widened to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure on all images.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Resamples of one bootstrap; for the ends of an interval Efron and Tibshirani advise at least 1000.
const RESAMPLES: usize = 2000;

/// The intervals of `N` figures of one sample, which must not be empty. `figures` computes them of any sample; every
/// figure sees the same resamples. The answer is a function of the sample alone.
pub(super) fn intervals<T: Copy, const N: usize>(sample: &[T], figures: impl Fn(&[T]) -> [f64; N]) -> [Interval; N] {
    let mut random = SplitMix64(0);
    let mut resample = sample.to_vec();
    let mut drawn: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    for _ in 0..RESAMPLES {
        resample.fill_with(|| sample[random.below(sample.len())]);
        for (values, value) in drawn.iter_mut().zip(figures(&resample)) {
            values.push(value);
        }
    }
    let values = figures(sample);
    std::array::from_fn(|figure| {
        let (value, drawn) = (values[figure], &mut drawn[figure]);
        drawn.sort_unstable_by(f64::total_cmp);
        let tail = RESAMPLES / 40;
        Interval { value, low: drawn[tail - 1].min(value), high: drawn[RESAMPLES - tail].max(value) }
    })
}

/// The generator SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014). Its sequence is frozen: a report must come out the same wherever and whenever it is computed.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`: the high half of a product, whose bias of `end` in 2⁶⁴ no figure can show.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    /// The first outputs of the reference implementation (S. Vigna, `splitmix64.c`) for the seed 1234567.
    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix64(1_234_567);
        let first = [(); 3].map(|()| random.next());
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
