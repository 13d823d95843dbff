//! The plots that belong to an evaluation.

use pappus_domain::stats::{Answer, Roc};
use pappus_domain::verdict::Evaluation;

use crate::error::Error;
use crate::mistakes::Tile;
use crate::sheet::Drawing;

/// A plot of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationPlot {
    /// Which classes are taken for which.
    Confusion,
    /// Precision, recall and F1 of each class.
    Classes,
    /// Whether certainty can be believed.
    Reliability,
    /// How well each class is told from the others.
    Roc,
    /// The surest mistakes.
    Mistakes,
}

/// What was found out about a model.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Its figures.
    pub evaluation: Evaluation,
    /// Its answers, which the figures are of.
    pub answers: Vec<Answer>,
    /// Its surest mistakes.
    pub tiles: Vec<Tile>,
}

impl EvaluationPlot {
    /// Every plot, in the order in which they are best looked at.
    pub const ALL: [Self; 5] = [Self::Confusion, Self::Classes, Self::Reliability, Self::Roc, Self::Mistakes];

    /// Its name, and that of its files but for the ending.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confusion => "confusion",
            Self::Classes => "classes",
            Self::Reliability => "reliability",
            Self::Roc => "roc",
            Self::Mistakes => "mistakes",
        }
    }

    /// Draws it. Takes a tenth of a second, so call it where that is allowed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn draw(self, findings: &Findings) -> Result<Drawing, Error> {
        let Findings { evaluation, answers, tiles } = findings;
        match self {
            Self::Confusion => crate::confusion(evaluation),
            Self::Classes => crate::classes(evaluation),
            Self::Reliability => crate::reliability(evaluation),
            Self::Roc => {
                let classes = 0..evaluation.report.classes.len();
                crate::roc(evaluation, classes.filter_map(|class| Roc::of(class, answers)))
            }
            Self::Mistakes => crate::mistakes(evaluation, tiles),
        }
    }
}
