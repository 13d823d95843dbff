//! Features to a fitted, measured model.

use std::collections::BTreeMap;

use pappus_domain::image::Label;
use pappus_domain::model::CrossValidation;
use pappus_domain::run::Recipe;
use pappus_domain::stats::Proportion;
use pappus_domain::validation::{ValidationCurve, ValidationPoint};
use pappus_domain::{DataSet, DataSetEntry, Split, Timestamp};
use pappus_learning::validate::cross_validate_watched;
use pappus_learning::{Chosen, Extractor, Matrix, Plan, Samples, Scaling, Views, assemble};
use pappus_tracking::Measure;

use crate::candidates::Candidate;
use crate::error::Error;

const FOLDS: usize = 5;
/// Repeats of the cross-validation, for sets so small that one dealing out says little.
const REPEATS: usize = 4;
const SMALL: usize = 2000;
/// Classes whose sizes differ more than this weigh the same whatever their size.
const UNBALANCED: f64 = 2.0;

/// The side of a data set that is learned from, in numbers.
pub(crate) struct TrainSide {
    pub(crate) entries: Vec<DataSetEntry>,
    labels: Vec<usize>,
    groups: Vec<u64>,
    classes: Vec<Label>,
    balanced: bool,
}

impl TrainSide {
    pub(crate) fn of(data_set: &DataSet) -> Self {
        let counts = data_set.counts();
        let sizes = counts.values().map(|count| count.train);
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        let classes: Vec<Label> = counts.into_keys().collect();
        let entries: Vec<DataSetEntry> = data_set.side(Split::Train).cloned().collect();
        Self {
            labels: entries.iter().map(|entry| index(&classes, entry)).collect(),
            groups: entries.iter().map(|entry| entry.group).collect(),
            balanced: most as f64 > UNBALANCED * least as f64,
            entries,
            classes,
        }
    }

    fn samples<'a>(&'a self, views: &'a Views) -> Samples<'a> {
        Samples { views, labels: &self.labels, groups: &self.groups, classes: self.classes.len() }
    }

    fn plan(&self, scaling: Scaling, seed: u64) -> Plan {
        let images = self.entries.len() as f64;
        let groups = self.groups.iter().collect::<std::collections::BTreeSet<_>>().len();
        Plan {
            // The head takes the inverse, as scikit-learn's C: `C · sum of losses + ½ · ‖weights‖²`.
            strengths: scaling.penalties().iter().map(|lambda| 1.0 / (lambda * images)).collect(),
            folds: FOLDS.min(groups),
            repeats: if self.entries.len() <= SMALL { REPEATS } else { 1 },
            seed,
            balanced: self.balanced,
            scaling,
        }
    }

    /// Cross-validates features: `views` rows for each image of [`TrainSide::entries`]. `progress` is told how many folds are
    /// done, and of how many.
    pub(crate) fn validate(
        &self,
        candidate: &Candidate,
        features: Matrix,
        views: usize,
        seed: u64,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<Validated, Error> {
        let plan = self.plan(candidate.scaling(features.cols()), seed);
        let views = Views::new(features, views)?;
        let folds = plan.deals() as u64;
        progress(0, folds);
        let chosen = cross_validate_watched(&self.samples(&views), &plan, &|done| progress(done as u64, folds))?;
        Ok(Validated { views, plan, chosen })
    }
}

fn index(classes: &[Label], entry: &DataSetEntry) -> usize {
    // The classes are those of the entries.
    classes.iter().position(|class| *class == entry.label).unwrap_or(0)
}

/// Features that have been cross-validated.
pub(crate) struct Validated {
    views: Views,
    plan: Plan,
    chosen: Chosen,
}

impl Validated {
    /// The cross-validated accuracy, 0 to 1.
    pub(crate) const fn accuracy(&self) -> f64 {
        self.chosen.best.accuracy
    }

    /// The cross-validated logarithmic loss, which tells more from few images than the share that is right.
    pub(crate) const fn log_loss(&self) -> f64 {
        self.chosen.best.log_loss
    }

    /// What is told of this candidate, the one of this `number`: what it came to, and each strength on the way.
    pub(crate) fn measures(&self, candidate: &str, number: u64, at: Timestamp) -> Vec<Measure> {
        let measure = |name: String, step, value| Measure { name, step, value, at };
        let mut all = vec![
            measure("candidate/accuracy".into(), number, self.accuracy()),
            measure("candidate/log_loss".into(), number, self.log_loss()),
        ];
        let images = self.views.images() as f64;
        for (step, score) in (1..).zip(&self.chosen.table) {
            let lambda = 1.0 / (score.strength * images);
            for (name, value) in [("lambda", lambda), ("accuracy", score.accuracy), ("log_loss", score.log_loss)] {
                all.push(measure(format!("{candidate}/{name}"), step, value));
            }
        }
        all
    }

    /// The figures of every strength that was tried, from the weakest penalty on.
    pub(crate) fn curve(&self, candidate: &Candidate) -> ValidationCurve {
        let images = self.views.images() as f64;
        let mut points: Vec<ValidationPoint> = self
            .chosen
            .table
            .iter()
            .map(|score| ValidationPoint {
                lambda: 1.0 / (score.strength * images),
                accuracy: score.accuracy,
                accuracy_deviation: score.deviation,
                log_loss: score.log_loss,
                log_loss_deviation: score.loss_deviation,
            })
            .collect();
        points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
        ValidationCurve { candidate: candidate.name.clone(), points }
    }

    /// Folds and repeats of the cross-validation.
    pub(crate) const fn dealt(&self) -> (usize, usize) {
        (self.plan.folds, self.plan.repeats)
    }

    /// Whether these features do clearly worse than `other`'s on the same images.
    pub(crate) fn is_clearly_below(&self, other: &Self) -> bool {
        self.chosen.best.is_clearly_below(&other.chosen.best, self.views.images())
    }
}

/// A model, fitted and measured.
pub(crate) struct Fitted {
    pub(crate) recipe: Recipe,
    pub(crate) onnx: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) cross_validation: CrossValidation,
    pub(crate) test: Proportion,
}

/// Fits a head to the whole training side, splices it onto the extractor, and measures it on the test side, whose
/// features are `test`, one row for each entry of `held_out`.
pub(crate) fn fit(
    side: &TrainSide,
    validated: &Validated,
    candidate: &Candidate,
    extractor: &Extractor,
    (held_out, test): (&[DataSetEntry], &Matrix),
) -> Result<Fitted, Error> {
    let Validated { views, plan, chosen } = validated;
    let head = side.samples(views).fit(chosen.best.strength, plan.balanced, &plan.scaling)?;
    let names: Vec<String> = side.classes.iter().map(Label::to_string).collect();
    let onnx = assemble(extractor, &head, &names)?;
    let probabilities = head.probabilities(test)?;
    let right = held_out.iter().enumerate().filter(|(row, entry)| {
        let answers = probabilities.row(*row);
        let best = (0..answers.len()).max_by(|a, b| answers[*a].total_cmp(&answers[*b]));
        best == Some(index(&side.classes, entry))
    });
    let test = Proportion::new(right.count() as u64, held_out.len() as u64);
    let mut parameters = candidate.parameters();
    parameters.extend([
        ("candidate".to_owned(), candidate.name.clone()),
        ("features".to_owned(), head.weights().cols().to_string()),
        ("lambda".to_owned(), format!("{:e}", 1.0 / (chosen.best.strength * side.entries.len() as f64))),
        ("balanced".to_owned(), plan.balanced.to_string()),
        ("scaling".to_owned(), plan.scaling.to_string()),
    ]);
    let cross_validation = CrossValidation {
        folds: plan.folds,
        repeats: plan.repeats,
        accuracy: chosen.best.accuracy,
        deviation: chosen.best.deviation,
    };
    let (width, height) = (extractor.width, extractor.height);
    Ok(Fitted { recipe: candidate.recipe(), onnx, width, height, parameters, cross_validation, test })
}
