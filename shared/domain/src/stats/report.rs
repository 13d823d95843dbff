//! The figures of one model on one set of test images.

use serde::{Deserialize, Serialize};

use super::bootstrap::intervals;
use super::{Calibration, Interval, Latency, Proportion, StatsError};
use crate::image::Label;

/// What a model answered about one image, and what would have been right.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The true class, an index into the classes.
    pub truth: usize,
    /// The probability of each class, in the order of the classes; together 1. A class that the model was never taught
    /// has the probability 0.
    pub probabilities: Vec<f32>,
}

impl Answer {
    /// The class answered: the most probable one, the first among equals, 0 where there is none.
    pub fn class(&self) -> usize {
        let best = |best: usize, class: usize| {
            if self.probabilities[class] > self.probabilities[best] { class } else { best }
        };
        (0..self.probabilities.len()).reduce(best).unwrap_or(0)
    }

    /// Whether the class answered is the true one.
    pub fn is_right(&self) -> bool {
        self.class() == self.truth
    }

    /// The probability of `class`, at most 1 however it was rounded.
    pub(super) fn probability(&self, class: usize) -> f64 {
        self.probabilities.get(class).map_or(0.0, |p| f64::from(*p).min(1.0))
    }
}

/// The figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// The class.
    pub label: Label,
    /// Of the images answered so, the share that is of the class; 0 where none was.
    pub precision: Proportion,
    /// Of the images of the class, the share answered so; 0 where there are none.
    pub recall: Proportion,
    /// The harmonic mean of precision and recall; 0 where no image of the class was recognised.
    pub f1: f64,
    /// Test images of the class.
    pub support: u64,
}

impl ClassReport {
    /// F1 with its 95 % interval. Of the images that are of the class, are answered so, or both, the share that is both is
    /// a share as any other, with Wilson's interval; F1 rises with it, as `2·share / (1 + share)`.
    pub fn f1_interval(&self) -> Interval {
        let right = (self.recall.value * self.support as f64).round() as u64;
        let either = (self.support + self.precision.of).saturating_sub(right);
        let share = Proportion::new(right, either);
        let f1 = |share: f64| 2.0 * share / (1.0 + share);
        Interval { value: self.f1, low: f1(share.low).min(self.f1), high: f1(share.high).max(self.f1) }
    }
}

/// The figures of one model on one set of test images. Every number is finite.
///
/// Macro averages are over the classes that have test images: a class without any says nothing about the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The number of test images.
    pub images: u64,
    /// Share of images whose most probable class is the true one, with Wilson's interval.
    pub accuracy: Proportion,
    /// The same share with its bootstrap interval, to compare with those below.
    pub accuracy_bootstrap: Interval,
    /// The mean precision of the classes.
    pub macro_precision: Interval,
    /// The mean recall of the classes, also known as balanced accuracy.
    pub macro_recall: Interval,
    /// The mean F1 of the classes.
    pub macro_f1: Interval,
    /// Class by class, in the order of the model's outputs.
    pub classes: Vec<ClassReport>,
    /// The number of images by true class (row) and answered class (column).
    pub confusion: Vec<Vec<u64>>,
    /// Whether its probabilities can be believed.
    pub calibration: Calibration,
    /// The mean of `-ln p` with `p` the probability of the true class, at least 2⁻²³ (the precision of `f32`), so that
    /// one sure mistake costs 15.9 and not infinitely much.
    pub log_loss: f64,
    /// The mean squared distance between the probabilities and the truth over all classes, 0 to 2 (G. W. Brier,
    /// "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950).
    pub brier: f64,
    /// How long answers took, where that was measured.
    pub latency: Option<Latency>,
}

impl Report {
    /// The greatest number of classes: the confusion matrix grows with its square.
    pub const MAX_CLASSES: usize = 1024;
    /// By how much rounding may take a sum of probabilities away from 1.
    const TOLERANCE: f64 = 1e-3;

    /// The figures of `answers` about `classes`.
    ///
    /// # Errors
    /// [`StatsError`] where there are no answers, too many classes, or an answer is no distribution over the classes.
    pub fn new(classes: &[Label], answers: &[Answer]) -> Result<Self, StatsError> {
        check(classes.len(), answers)?;
        let pairs: Vec<(usize, usize)> = answers.iter().map(|answer| (answer.truth, answer.class())).collect();
        let [accuracy_bootstrap, macro_precision, macro_recall, macro_f1] =
            intervals(&pairs, |pairs| Counts::of(classes.len(), pairs).averages());

        let counts = Counts::of(classes.len(), &pairs);
        let mut confusion = vec![vec![0; classes.len()]; classes.len()];
        for (truth, answered) in &pairs {
            confusion[*truth][*answered] += 1;
        }
        let sure = |(answer, (truth, answered)): (&Answer, &(usize, usize))| {
            (answer.probability(*answered), truth == answered)
        };
        let mean = |loss: fn(&Answer) -> f64| answers.iter().map(loss).sum::<f64>() / answers.len() as f64;
        Ok(Self {
            images: answers.len() as u64,
            accuracy: Proportion::new(counts.right.iter().sum(), answers.len() as u64),
            accuracy_bootstrap,
            macro_precision,
            macro_recall,
            macro_f1,
            classes: classes.iter().enumerate().map(|(class, label)| counts.class(class, label)).collect(),
            confusion,
            calibration: Calibration::of(answers.iter().zip(&pairs).map(sure)),
            log_loss: mean(log_loss),
            brier: mean(brier),
            latency: None,
        })
    }

    /// The same report with the latency of answers that took so many `microseconds`; `None` where there are none.
    #[must_use]
    pub fn with_latency(self, microseconds: &[u64]) -> Self {
        Self { latency: Latency::of(microseconds), ..self }
    }
}

fn check(classes: usize, answers: &[Answer]) -> Result<(), StatsError> {
    if answers.is_empty() {
        return Err(StatsError::NoAnswers);
    }
    if classes > Report::MAX_CLASSES {
        return Err(StatsError::TooManyClasses { classes });
    }
    for (answer, Answer { truth, probabilities }) in (1..).zip(answers) {
        if *truth >= classes {
            return Err(StatsError::UnknownTruth { answer, truth: *truth, classes });
        }
        if probabilities.len() != classes {
            return Err(StatsError::WrongLength { answer, found: probabilities.len(), wanted: classes });
        }
        let allowed = |p: &f32| (0.0..=1.0 + Report::TOLERANCE).contains(&f64::from(*p));
        if let Some(value) = probabilities.iter().find(|p| !allowed(p)) {
            return Err(StatsError::NotAProbability { answer, value: *value });
        }
        let sum: f64 = probabilities.iter().map(|p| f64::from(*p)).sum();
        if (sum - 1.0).abs() > Report::TOLERANCE {
            return Err(StatsError::NotADistribution { answer, sum });
        }
    }
    Ok(())
}

fn log_loss(answer: &Answer) -> f64 {
    answer.probability(answer.truth).max(f32::EPSILON.into()).recip().ln()
}

fn brier(answer: &Answer) -> f64 {
    let aim = |class| if class == answer.truth { 1.0 } else { 0.0 };
    (0..answer.probabilities.len()).map(|class| (answer.probability(class) - aim(class)).powi(2)).sum()
}

/// The images of each class: right ones, all of them, and all answered so.
struct Counts {
    right: Vec<u64>,
    truth: Vec<u64>,
    answered: Vec<u64>,
}

impl Counts {
    fn of(classes: usize, pairs: &[(usize, usize)]) -> Self {
        let mut counts = Self { right: vec![0; classes], truth: vec![0; classes], answered: vec![0; classes] };
        for (truth, answered) in pairs {
            counts.truth[*truth] += 1;
            counts.answered[*answered] += 1;
            counts.right[*truth] += u64::from(truth == answered);
        }
        counts
    }

    /// Accuracy, macro precision, macro recall, macro F1.
    fn averages(&self) -> [f64; 4] {
        let mut sums = [0.0; 3];
        let present = (0..self.truth.len()).filter(|class| self.truth[*class] > 0);
        let classes = present.map(|class| {
            let figures = [
                share(self.right[class], self.answered[class]),
                share(self.right[class], self.truth[class]),
                self.f1(class),
            ];
            sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        });
        let classes = classes.count().max(1) as f64;
        let [precision, recall, f1] = sums.map(|sum| sum / classes);
        [share(self.right.iter().sum(), self.truth.iter().sum()), precision, recall, f1]
    }

    fn f1(&self, class: usize) -> f64 {
        share(2 * self.right[class], self.truth[class] + self.answered[class])
    }

    fn class(&self, class: usize, label: &Label) -> ClassReport {
        ClassReport {
            label: label.clone(),
            precision: Proportion::new(self.right[class], self.answered[class]),
            recall: Proportion::new(self.right[class], self.truth[class]),
            f1: self.f1(class),
            support: self.truth[class],
        }
    }
}

/// A part of a whole, 0 where there is no whole.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
