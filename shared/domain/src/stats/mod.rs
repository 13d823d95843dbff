//! The statistics that judge a model.

mod bootstrap;
mod calibration;
mod latency;
mod mcnemar;
mod mistakes;
mod proportion;
mod report;
mod roc;

pub use bootstrap::Interval;
pub use calibration::{Calibration, CalibrationBin};
pub use latency::Latency;
pub use mcnemar::McNemar;
pub use mistakes::Mistake;
pub use proportion::Proportion;
pub use report::{Answer, ClassReport, Report};
pub use roc::{Roc, RocPoint};

/// Answers that no figures can be computed from. Answers are counted from 1 in the messages.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// There is nothing to measure.
    #[error("there are no answers to measure: judge the model on at least one test image")]
    NoAnswers,
    /// The confusion matrix would not fit.
    #[error("{classes} classes are too many to report on: at most {} are possible", Report::MAX_CLASSES)]
    TooManyClasses {
        /// The number of classes.
        classes: usize,
    },
    /// An answer does not have one probability a class.
    #[error("answer {answer} has {found} probabilities for {wanted} classes: one a class is wanted")]
    WrongLength {
        /// The answer, from 1.
        answer: usize,
        /// Its probabilities.
        found: usize,
        /// The classes.
        wanted: usize,
    },
    /// The true class is none of the classes.
    #[error("answer {answer} has the true class {truth}, but the {classes} classes are numbered from 0")]
    UnknownTruth {
        /// The answer, from 1.
        answer: usize,
        /// Its true class.
        truth: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A number is not a probability.
    #[error("answer {answer} has the probability {value}: every one must be a number from 0 to 1")]
    NotAProbability {
        /// The answer, from 1.
        answer: usize,
        /// The number.
        value: f32,
    },
    /// The probabilities are not a distribution.
    #[error("the probabilities of answer {answer} sum to {sum}: they must sum to 1, so apply softmax before")]
    NotADistribution {
        /// The answer, from 1.
        answer: usize,
        /// Their sum.
        sum: f64,
    },
    /// Two models can only be compared on the same images.
    #[error(
        "the {candidate} answers of the candidate and the {champion} of the champion are not to the same images: give \
         both the same images in the same order"
    )]
    OtherImages {
        /// The candidate's answers.
        candidate: usize,
        /// The champion's answers.
        champion: usize,
    },
}
