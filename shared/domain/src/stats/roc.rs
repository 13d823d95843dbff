//! The ROC curve: how well the probability of one class tells its images from all others.

use super::{Answer, Interval};

/// The receiver operating characteristic of one class against the rest, and the area under it (T. Fawcett, "An
/// introduction to ROC analysis", Pattern Recognition Letters 27, 2006). Images of equal probability are one step, so the
/// order of the images does not matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    /// The class, an index into the classes.
    pub class: usize,
    /// Images of the class.
    pub positives: u64,
    /// Images of the other classes.
    pub negatives: u64,
    /// From (0, 0) to (1, 1), rising in both.
    pub points: Vec<RocPoint>,
    /// The area under the curve: how probable it is that an image of the class has a greater probability than one of
    /// another class, equal ones counted half (the statistic of Mann and Whitney). With its 95 % interval by R. G.
    /// Newcombe, "Confidence intervals for an effect size measure based on the Mann–Whitney statistic. Part 2",
    /// Statistics in Medicine 25, 2006, method 5: of use also where every image is told right.
    pub auc: Interval,
}

/// What a threshold of the probability would do: images from it on are said to be of the class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Of the images of other classes, the share that would be said to be of the class.
    pub false_positives: f64,
    /// Of the images of the class, the share that would be.
    pub true_positives: f64,
}

impl Roc {
    /// The curve of `class`, or `None` where there are only images of it, or none.
    pub fn of(class: usize, answers: &[Answer]) -> Option<Self> {
        let mut scored: Vec<(f64, bool)> =
            answers.iter().map(|answer| (answer.probability(class), answer.truth == class)).collect();
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let positives = scored.iter().filter(|(_, is_positive)| *is_positive).count() as u64;
        let negatives = scored.len() as u64 - positives;
        if positives == 0 || negatives == 0 {
            return None;
        }
        let mut points = vec![RocPoint { false_positives: 0.0, true_positives: 0.0 }];
        // Pairs that are told right count two, ties one: whole numbers, so nothing is rounded before the end.
        let (mut above, mut below, mut doubled) = (0_u64, 0_u64, 0_u128);
        for step in scored.chunk_by(|a, b| a.0 == b.0) {
            let hits = step.iter().filter(|(_, is_positive)| *is_positive).count() as u64;
            let misses = step.len() as u64 - hits;
            doubled += u128::from(misses) * u128::from(2 * above + hits);
            above += hits;
            below += misses;
            points.push(RocPoint {
                false_positives: below as f64 / negatives as f64,
                true_positives: above as f64 / positives as f64,
            });
        }
        let area = doubled as f64 / (2.0 * positives as f64 * negatives as f64);
        let auc = newcombe(area, positives as f64, negatives as f64);
        Some(Self { class, positives, negatives, points, auc })
    }
}

/// The areas that lie no further from `area` than 1.96 of the standard errors that they would have themselves.
fn newcombe(area: f64, positives: f64, negatives: f64) -> Interval {
    const Z: f64 = 1.959_963_984_540_054;
    let spread = (positives + negatives) / 2.0 - 1.0;
    let error = |area: f64| {
        let shape = 1.0 + spread * ((1.0 - area) / (2.0 - area) + area / (1.0 + area));
        Z * (area * (1.0 - area) * shape / (positives * negatives)).sqrt()
    };
    let end = |far: f64| {
        // Halving as often as a number has digits.
        let (mut inside, mut outside) = (area, far);
        for _ in 0..53 {
            let middle = f64::midpoint(inside, outside);
            if (middle - area).abs() <= error(middle) { inside = middle } else { outside = middle }
        }
        inside
    };
    Interval { value: area, low: end(0.0), high: end(1.0) }
}
