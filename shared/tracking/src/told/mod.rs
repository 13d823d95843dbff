//! What MLflow is told of each thing: pure translations.

mod evaluation;
mod mlmodel;
mod names;
mod run;

pub(crate) use evaluation::evaluation;
pub(crate) use mlmodel::{MLMODEL, mlmodel};
pub(crate) use run::{RUN, run};

use crate::mlflow::Figure;
use names::name;
use pappus_domain::Timestamp;

/// The tag by which a registered model is known to be ours.
pub(crate) const MODEL: &str = "pappus.model";
/// The tag by which a version of ours is known among MLflow's.
pub(crate) const VERSION: &str = "pappus.version";
/// The tags of a version and of a registered model.
pub(crate) const VERDICT: &str = "pappus.verdict";
pub(crate) const GENERATION: &str = "pappus.generation";
pub(crate) const RELEASE: &str = "pappus.release";

/// The most characters of a tag's or a parameter's value, which is what MLflow keeps.
const MOST: usize = 5000;

/// A figure, if it is a number: JSON has no others.
fn figure(key: &str, value: f64, step: u64, at: Timestamp) -> Option<Figure> {
    value.is_finite().then(|| Figure { key: name(key), value, timestamp: at.as_millisecond(), step })
}

fn pair(key: impl AsRef<str>, value: impl ToString) -> (String, String) {
    (name(key.as_ref()), value.to_string().chars().take(MOST).collect())
}
