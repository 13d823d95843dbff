//! The answer, with the figures behind it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::Schedule;
use crate::stats::Proportion;

/// Why to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// There are enough images that nothing was learned from.
    NewImages {
        /// So many.
        count: u64,
        /// So many are enough.
        wanted: u64,
    },
    /// The true labels of what was answered say that the model has got worse.
    LiveAccuracy {
        /// The share of right answers, whose whole interval is below the bound.
        accuracy: Proportion,
        /// The bound.
        wanted: f64,
    },
    /// The model has become unsure.
    Confidence {
        /// The mean confidence.
        mean: f64,
        /// Of so many answers.
        of: u64,
        /// The bound.
        wanted: f64,
    },
    /// The images are no longer those that were learned from.
    Drift {
        /// How far they are from them.
        score: f64,
        /// The bound.
        allowed: f64,
    },
    /// It is time, and there is something new to learn.
    Schedule {
        /// How often.
        every: Schedule,
    },
    /// An alert asks for it.
    Alert {
        /// Its name.
        name: String,
    },
    /// A person asks for it.
    Operator {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewImages { count, wanted } => write!(f, "{count} new labelled images, and {wanted} are enough"),
            Self::LiveAccuracy { accuracy: Proportion { value, low, high, of }, wanted } => write!(
                f,
                "accuracy {:.1} % ({:.1} to {:.1}) on {of} answers with a true label, and {:.1} % is wanted",
                100.0 * value,
                100.0 * low,
                100.0 * high,
                100.0 * wanted
            ),
            Self::Confidence { mean, of, wanted } => {
                write!(f, "mean confidence {mean:.3} over {of} answers, and {wanted} is wanted")
            }
            Self::Drift { score, allowed } => write!(f, "drift {score:.3}, and {allowed} is allowed"),
            Self::Schedule { every } => write!(f, "{every} training, with new images"),
            Self::Alert { name } => write!(f, "alert {name}"),
            Self::Operator { why } => f.write_str(why),
        }
    }
}

/// What keeps a training from beginning for which there are reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "hindrance")]
pub enum Hindrance {
    /// The last one had nearly all of the images, so that it would make nearly the same model again.
    FewNewImages {
        /// So many are new.
        count: u64,
        /// So many are worth it.
        wanted: u64,
    },
    /// The last one was asked for too lately.
    CoolDown {
        /// From when on another may be.
        until: Timestamp,
    },
    /// There were as many as a day may have.
    DailyMaximum {
        /// The most.
        most: u32,
    },
    /// One is under way.
    UnderWay {
        /// Whose.
        holder: String,
    },
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewNewImages { count: 0, .. } => {
                f.write_str("there is no labelled image that the last training had not: it would make the same model")
            }
            Self::FewNewImages { count, wanted } => write!(
                f,
                "the last training had all labelled images but {count}, and with less than {wanted} more it would make \
                 nearly the same model"
            ),
            Self::CoolDown { until } => write!(f, "the last training was asked for too lately: not before {until:.0}"),
            Self::DailyMaximum { most } => write!(f, "{most} trainings within a day are the most"),
            Self::UnderWay { holder } => write!(f, "run {holder} is under way"),
        }
    }
}

/// The answer, with the figures behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Why to train; nothing where there is no reason.
    pub reasons: Vec<Reason>,
    /// What keeps it from beginning.
    pub hindrance: Option<Hindrance>,
    /// The figures in a line, for people.
    pub summary: String,
}

impl Decision {
    /// Whether to train.
    pub fn train(&self) -> bool {
        !self.reasons.is_empty() && self.hindrance.is_none()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reasons.split_first() {
            None => write!(f, "no reason to train: {}", self.summary),
            Some((first, others)) => {
                write!(f, "{first}")?;
                others.iter().try_for_each(|reason| write!(f, "; {reason}"))?;
                match &self.hindrance {
                    Some(hindrance) => write!(f, "; but {hindrance}"),
                    None => Ok(()),
                }
            }
        }
    }
}
