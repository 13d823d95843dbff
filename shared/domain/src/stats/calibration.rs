//! Calibration: whether a model that says 90 % is right nine times of ten.

use serde::{Deserialize, Serialize};

use super::Proportion;

/// The expected calibration error and the reliability diagram behind it: images are binned by the probability of the
/// answered class, and in each bin that probability is held against the share of right answers (M. P. Naeini,
/// G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; C. Guo,
/// G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017). On few images the error
/// is overestimated: even a perfectly calibrated model has one above 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The mean over all images of `|accuracy - confidence|` of the image's bin, 0 to 1.
    pub error: f64,
    /// The bins that hold images, by rising confidence. An empty bin has neither mean and is left out.
    pub bins: Vec<CalibrationBin>,
}

/// The images whose answered class had a probability above `above` and up to `up_to`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// The lower edge, outside the bin except for the first.
    pub above: f64,
    /// The upper edge, inside the bin.
    pub up_to: f64,
    /// The mean probability of the answered class.
    pub confidence: f64,
    /// The share of right answers.
    pub accuracy: Proportion,
}

impl Calibration {
    /// The number of bins of equal width, empty ones included.
    pub const BINS: usize = 15;

    /// The calibration of answers, each given as the probability of the answered class (0 to 1) and whether it was
    /// right.
    pub(super) fn of(answers: impl Iterator<Item = (f64, bool)>) -> Self {
        #[derive(Clone, Copy, Default)]
        struct Sum {
            images: u64,
            right: u64,
            confidence: f64,
        }
        let mut sums = [Sum::default(); Self::BINS];
        for (confidence, right) in answers {
            let bin = (confidence * Self::BINS as f64).ceil() as usize;
            let sum = &mut sums[bin.clamp(1, Self::BINS) - 1];
            sum.images += 1;
            sum.right += u64::from(right);
            sum.confidence += confidence;
        }
        let edge = |bin: usize| bin as f64 / Self::BINS as f64;
        let filled = sums.iter().enumerate().filter(|(_, sum)| sum.images > 0);
        let bins: Vec<_> = filled
            .map(|(bin, sum)| CalibrationBin {
                above: edge(bin),
                up_to: edge(bin + 1),
                confidence: sum.confidence / sum.images as f64,
                accuracy: Proportion::new(sum.right, sum.images),
            })
            .collect();
        let images: u64 = bins.iter().map(|bin| bin.accuracy.of).sum();
        let gap = |bin: &CalibrationBin| (bin.accuracy.value - bin.confidence).abs() * bin.accuracy.of as f64;
        Self { error: bins.iter().map(gap).sum::<f64>() / images.max(1) as f64, bins }
    }
}
