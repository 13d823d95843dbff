//! The verdict on a candidate: gate by gate.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::model::{ModelName, ModelVersion};
use crate::stats::{McNemar, Proportion, Report};

/// One condition of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name, such as `better-than-guessing`.
    pub name: String,
    /// Whether the candidate meets it.
    pub passed: bool,
    /// The figures it was decided by, for people.
    pub figures: String,
}

/// The verdict on a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every gate was passed.
    pub passed: bool,
    /// Every gate.
    pub gates: Vec<Gate>,
}

/// What a release asks of a candidate. The bounds are those of statistical tests or generous, since a test side of a
/// hundred images cannot tell 95 % from 96 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatePolicy {
    /// The least number of test images.
    pub min_test_images: u64,
    /// The candidate is worse than the champion where the one-sided exact McNemar test has a p below this.
    pub worse_than_champion_p: f64,
    /// The greatest expected calibration error, 0 to 1.
    pub max_calibration_error: f64,
    /// The greatest median latency of one image, in milliseconds.
    pub max_latency_ms: f64,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self { min_test_images: 20, worse_than_champion_p: 0.05, max_calibration_error: 0.25, max_latency_ms: 100.0 }
    }
}

/// A champion on the same test images as the candidate.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// The champion's figures.
    pub champion: &'a Report,
    /// The test between the two.
    pub mcnemar: McNemar,
}

impl Verdict {
    /// Judges a candidate, against the champion where there is another. A gate whose figures were not measured is not
    /// passed: a release needs evidence.
    pub fn judge(policy: &GatePolicy, candidate: &Report, champion: Option<Comparison<'_>>) -> Self {
        let gates = vec![
            enough_test_images(policy, candidate),
            better_than_guessing(candidate),
            every_class_recognised(candidate),
            not_worse_than_champion(policy, candidate, champion),
            calibrated(policy, candidate),
            quick_enough(policy, candidate),
        ];
        Self { passed: gates.iter().all(|gate| gate.passed), gates }
    }
}

impl Gate {
    fn new(name: &str, passed: bool, figures: String) -> Self {
        Self { name: name.into(), passed, figures }
    }
}

fn enough_test_images(policy: &GatePolicy, candidate: &Report) -> Gate {
    let Report { images, classes, .. } = candidate;
    let rarest = classes.iter().min_by_key(|class| class.support);
    let passed = *images >= policy.min_test_images && rarest.is_some_and(|class| class.support > 0);
    let of_rarest = rarest.map_or(String::new(), |class| format!(", {} of `{}`", class.support, class.label));
    let figures = format!(
        "{images} test images of {} classes{of_rarest}; at least {} are wanted, and one of every class",
        classes.len(),
        policy.min_test_images
    );
    Gate::new("enough-test-images", passed, figures)
}

fn better_than_guessing(candidate: &Report) -> Gate {
    let Report { accuracy, classes, images, .. } = candidate;
    let biggest = classes.iter().max_by_key(|class| class.support);
    let guess = biggest.map_or(1.0, |class| class.support as f64 / (*images).max(1) as f64);
    let always = biggest.map_or(String::new(), |class| format!(" with `{}`", class.label));
    let figures = format!("{} right; always answering{always} would get {}", counted(accuracy), percent(guess));
    Gate::new("better-than-guessing", accuracy.low > guess, figures)
}

/// The most classes that one sentence names.
const NAMED: usize = 5;

fn every_class_recognised(candidate: &Report) -> Gate {
    let classes = &candidate.classes;
    let chance = 1.0 / classes.len().max(1) as f64;
    let is_recognised = |recall: &Proportion| recall.value > 0.0 && recall.high > chance;
    let lost: Vec<_> = classes.iter().filter(|class| !is_recognised(&class.recall)).collect();
    let worst = classes.iter().min_by(|a, b| a.recall.value.total_cmp(&b.recall.value));
    let shown = if lost.is_empty() { Vec::from_iter(worst) } else { lost.clone() };
    let mut sentences: Vec<String> =
        shown.iter().take(NAMED).map(|class| format!("`{}` {}", class.label, counted(&class.recall))).collect();
    if shown.len() > NAMED {
        sentences.push(format!("and {} more", shown.len() - NAMED));
    }
    let finding = if lost.is_empty() { "least recognised" } else { "not recognised" };
    let figures = format!("{finding}: {}; chance is {}", sentences.join(", "), percent(chance));
    Gate::new("every-class-recognised", lost.is_empty() && !classes.is_empty(), figures)
}

fn not_worse_than_champion(policy: &GatePolicy, candidate: &Report, champion: Option<Comparison<'_>>) -> Gate {
    const NAME: &str = "not-worse-than-champion";
    let Some(Comparison { champion, mcnemar }) = champion else {
        return Gate::new(NAME, true, "there is no other champion to compare with".into());
    };
    let figures = format!(
        "{} right, the champion {}; the candidate alone is right on {}, the champion alone on {}; were they equally \
         good, this or worse would have p = {:.4} (worse below {})",
        counted(&candidate.accuracy),
        percent(champion.accuracy.value),
        mcnemar.candidate_only,
        mcnemar.champion_only,
        mcnemar.p_worse,
        policy.worse_than_champion_p
    );
    Gate::new(NAME, mcnemar.p_worse >= policy.worse_than_champion_p, figures)
}

fn calibrated(policy: &GatePolicy, candidate: &Report) -> Gate {
    let error = candidate.calibration.error;
    let bound = policy.max_calibration_error;
    let figures = format!(
        "stated and true certainty differ by {} on average; at most {} is wanted",
        percent(error),
        percent(bound)
    );
    Gate::new("calibrated", error <= bound, figures)
}

fn quick_enough(policy: &GatePolicy, candidate: &Report) -> Gate {
    const NAME: &str = "quick-enough";
    let bound = policy.max_latency_ms;
    let Some(latency) = candidate.latency else {
        return Gate::new(NAME, false, format!("the latency was not measured; at most {bound} ms is wanted"));
    };
    let (median, p95) = (latency.median_us as f64 / 1e3, latency.p95_us as f64 / 1e3);
    let figures =
        format!("median {median:.1} ms, 95th percentile {p95:.1} ms; a median of at most {bound} ms is wanted");
    Gate::new(NAME, median <= bound, figures)
}

/// Such as `97.5 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Such as `97.5 % (91.3 % to 99.3 %) of 80`: the share, its 95 % interval, and of how many.
fn counted(share: &Proportion) -> String {
    format!("{} ({} to {}) of {}", percent(share.value), percent(share.low), percent(share.high), share.of)
}

/// What was found out about a model version on the test side of one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The model.
    pub model: ModelName,
    /// The version.
    pub version: ModelVersion,
    /// The data set.
    pub data_set: Digest,
    /// The champion it was compared with, where there was another.
    pub champion: Option<ModelVersion>,
    /// Its figures.
    pub report: Report,
    /// The champion's figures on the same images.
    pub champion_report: Option<Report>,
    /// The verdict.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
}

impl Evaluation {
    /// The object key of one file of an evaluation.
    pub fn object_key(&self, file: &str) -> String {
        format!("evaluations/{}/{}/{}/{file}", self.model, self.version, self.data_set)
    }
}
