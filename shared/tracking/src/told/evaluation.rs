//! An evaluation, as part of the run that made the version.

use pappus_domain::ModelVersion;
use pappus_domain::verdict::Evaluation;

use super::{VERDICT, figure, pair};
use crate::mlflow::Log;

/// All that is logged of an evaluation.
pub(crate) fn evaluation(evaluation: &Evaluation) -> Log {
    let Evaluation { report, verdict, champion, data_set, at, .. } = evaluation;
    let mut figures = vec![
        ("images", report.images as f64),
        ("accuracy", report.accuracy.value),
        ("accuracy_low", report.accuracy.low),
        ("accuracy_high", report.accuracy.high),
        ("macro_precision", report.macro_precision.value),
        ("macro_recall", report.macro_recall.value),
        ("macro_f1", report.macro_f1.value),
        ("log_loss", report.log_loss),
        ("brier", report.brier),
        ("calibration_error", report.calibration.error),
        ("passed", f64::from(u8::from(verdict.passed))),
    ];
    if let Some(latency) = report.latency {
        figures.push(("latency_median_ms", latency.median_us as f64 / 1e3));
        figures.push(("latency_p95_ms", latency.p95_us as f64 / 1e3));
    }
    let mut figures: Vec<_> =
        figures.into_iter().filter_map(|(key, value)| figure(&format!("evaluation/{key}"), value, 0, *at)).collect();
    for class in &report.classes {
        let of_class =
            [("precision", class.precision.value), ("recall", class.recall.value), ("f1", class.f1)].into_iter();
        let of_class =
            of_class.filter_map(|(key, value)| figure(&format!("class/{}/{key}", class.label), value, 0, *at));
        figures.extend(of_class);
    }
    for gate in &verdict.gates {
        figures.extend(figure(&format!("gate/{}", gate.name), f64::from(u8::from(gate.passed)), 0, *at));
    }
    let failed: Vec<&str> = verdict.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.name.as_str()).collect();
    let tags = vec![
        pair(VERDICT, if verdict.passed { "passed" } else { "failed" }),
        pair("pappus.evaluated_on", data_set),
        pair("pappus.compared_with", champion.as_ref().map_or("no champion", ModelVersion::as_str)),
        // Also where there are none: an earlier evaluation may have had some.
        pair("pappus.failed_gates", if failed.is_empty() { "none".into() } else { failed.join(", ") }),
    ];
    Log { parameters: Vec::new(), figures, tags }
}

#[cfg(test)]
mod tests {
    use pappus_catalog::contract::samples;

    use super::evaluation;

    #[test]
    fn an_evaluation_tells_its_figures_and_each_gate() {
        let judged = samples::evaluation(1, "pets", 2, 3);
        let log = evaluation(&judged);
        let value = |key: &str| log.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value);
        assert_eq!(value("evaluation/accuracy"), Some(0.5));
        assert_eq!((value("evaluation/passed"), value("gate/better-than-guessing")), (Some(0.0), Some(0.0)));
        assert_eq!((value("class/cat/recall"), value("class/dog/recall")), (Some(1.0), Some(0.0)));
        assert!(log.figures.iter().all(|figure| figure.timestamp == judged.at.as_millisecond()));
        assert!(log.tags.contains(&("pappus.failed_gates".into(), "better-than-guessing".into())), "{:?}", log.tags);
        assert!(log.tags.contains(&("pappus.compared_with".into(), "no champion".into())), "{:?}", log.tags);
    }
}
