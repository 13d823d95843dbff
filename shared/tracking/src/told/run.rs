//! A run.

use pappus_domain::run::TrainingRequest;
use pappus_domain::{Manifest, Run, RunStatus};

use super::{MODEL, VERSION, figure, pair};
use crate::mlflow::Log;
use crate::news::Measure;

/// The tag by which a run of ours is known among MLflow's.
pub(crate) const RUN: &str = "pappus.run_id";

/// All that is logged of a run; `manifest` is that of the version it made.
pub(crate) fn run(run: &Run, manifest: Option<&Manifest>, measures: &[Measure]) -> Log {
    let mut log = Log { parameters: requested(&run.request), ..Log::default() };
    let measured = measures.iter().filter_map(|m| figure(&m.name, m.value, m.step, m.at));
    log.figures.extend(measured);
    log.tags.extend([
        pair(MODEL, &run.request.model),
        pair("pappus.reason", &run.request.reason),
        pair("pappus.status", run.status.as_str()),
        pair("mlflow.source.name", "pappus"),
        pair("mlflow.source.type", "JOB"),
    ]);
    log.tags.extend(run.data_set.iter().map(|digest| pair("pappus.data_set", digest)));
    match &run.status {
        RunStatus::Requested | RunStatus::Running { .. } => {}
        RunStatus::Succeeded { version, metrics } => {
            log.tags.push(pair(VERSION, version));
            log.figures.extend(metrics.iter().filter_map(|(key, value)| figure(key, *value, 0, run.updated_at)));
        }
        // MLflow shows a note at the top of a run's page.
        RunStatus::Failed { message } => {
            log.tags.extend([pair("pappus.failure", message), pair("mlflow.note.content", message)]);
        }
    }
    if let Some(manifest) = manifest {
        made(manifest, &mut log);
    }
    log
}

/// What was asked, which is not always what was done.
fn requested(request: &TrainingRequest) -> Vec<(String, String)> {
    let TrainingRequest { recipe, backbone, normalisation, seed, budget_seconds, .. } = request;
    let mut parameters = vec![pair("requested.recipe", recipe.as_str()), pair("seed", seed)];
    let file = backbone.as_ref().map(|path| path.file_name().unwrap_or_default().to_string_lossy());
    parameters.extend(file.map(|file| pair("requested.backbone", file)));
    parameters.extend(normalisation.iter().map(|name| pair("requested.normalisation", name)));
    parameters.extend(budget_seconds.iter().map(|budget| pair("requested.budget_seconds", budget)));
    parameters
}

/// What was done.
fn made(manifest: &Manifest, log: &mut Log) {
    let Manifest { classes, preprocessing, training, created_at, .. } = manifest;
    let chosen = training.parameters.iter().filter(|(key, _)| key.as_str() != "seed");
    log.parameters.extend(chosen.map(|(key, value)| pair(key, value)));
    let (train, test) = training.counts.values().fold((0, 0), |(a, b), count| (a + count.train, b + count.test));
    log.parameters.extend([
        pair("recipe", training.recipe.as_str()),
        pair("classes", classes.len()),
        pair("train images", train),
        pair("test images", test),
        pair("input", format!("{}x{}", preprocessing.width, preprocessing.height)),
        pair("folds", training.cross_validation.folds),
        pair("repeats", training.cross_validation.repeats),
    ]);
    if let Some(backbone) = &training.backbone {
        log.parameters.extend([pair("backbone", &backbone.file), pair("backbone.digest", backbone.digest)]);
    }
    log.tags.push(pair("pappus.code_version", &training.code));
    let deviation = training.cross_validation.deviation;
    log.figures.extend(figure("cross_validated_accuracy_deviation", deviation, 0, *created_at));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pappus_catalog::contract::samples;
    use pappus_domain::RunStatus;

    use super::*;

    fn of<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
        pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_run_that_has_not_ended_tells_what_was_asked() {
        let asked = samples::run(1, "pets");
        let log = run(&asked, None, &[]);
        assert_eq!(of(&log.parameters, "requested.recipe"), Some("transfer"));
        assert_eq!(of(&log.parameters, "requested.backbone"), Some("mobilenet.onnx"), "not where it lies");
        assert_eq!(of(&log.parameters, "seed"), Some("18446744073709551615"));
        assert_eq!((of(&log.tags, "pappus.status"), of(&log.tags, "pappus.failure")), (Some("requested"), None));
        assert!(log.figures.is_empty());
    }

    #[test]
    fn a_run_that_failed_says_why_as_far_as_there_is_room() {
        let failed = RunStatus::Failed { message: "ü".repeat(9000) };
        let log = run(&Run { status: failed, ..samples::run(1, "pets") }, None, &[]);
        assert_eq!(of(&log.tags, "pappus.failure"), Some("ü".repeat(5000).as_str()));
    }

    #[test]
    fn a_run_that_succeeded_tells_what_was_done_each_parameter_once() {
        let metrics = BTreeMap::from([("test_accuracy".into(), 0.5), ("odd".into(), f64::NAN)]);
        let status = RunStatus::Succeeded { version: samples::version(1), metrics };
        let run_of = Run { status, data_set: Some(samples::digest(1)), ..samples::run(1, "pets") };
        let mut manifest = samples::manifest(1, "pets");
        manifest.training.parameters.insert("seed".into(), "other".into());
        let at = samples::time(3);
        let measures = [Measure { name: "candidate/accuracy".into(), step: 2, value: 0.25, at }];
        let log = run(&run_of, Some(&manifest), &measures);
        assert_eq!(of(&log.tags, "pappus.data_set"), Some(samples::digest(1).to_string().as_str()));
        assert_eq!((of(&log.parameters, "recipe"), of(&log.parameters, "l2")), (Some("scratch"), Some("0.1")));
        let mut keys: Vec<_> = log.parameters.iter().map(|(key, _)| key).collect();
        let before = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), before, "MLflow takes each parameter once");
        let figures: Vec<_> = log.figures.iter().map(|f| (f.key.as_str(), f.step, f.value)).collect();
        assert!(figures.contains(&("candidate/accuracy", 2, 0.25)) && figures.contains(&("test_accuracy", 0, 0.5)));
        assert!(!figures.iter().any(|(key, ..)| *key == "odd"), "{figures:?}");
    }
}
