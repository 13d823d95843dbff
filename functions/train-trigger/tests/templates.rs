//! From a template to the Job of a run.
#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)] // a test may panic

use std::error::Error as _;

use pappus_catalog::contract::samples;
use pappus_domain::run::TrainingRequest;
use pappus_train_trigger::kubernetes::{Template, WrongTemplate};
use serde_json::{Value, json};

const TEMPLATE: &str = "
apiVersion: batch/v1
kind: Job
metadata:
  name: always-the-same
  generateName: never-
  labels: {team: plants, app.kubernetes.io/name: something-else}
spec:
  backoffLimit: 1
  activeDeadlineSeconds: 3600
  ttlSecondsAfterFinished: 86400
  completions: 5
  parallelism: 5
  template:
    metadata:
      annotations: {a: b}
    spec:
      restartPolicy: Never
      nodeSelector: {gpu: 'true'}
      containers:
        - name: train
          image: pappus-train:0.1.0
          args: [--verbose]
          resources:
            requests: {cpu: 2, memory: 1Gi}
            limits: {memory: 3Gi, nvidia.com/gpu: 1}
        - name: beside
          image: other
status: {active: 1}
";

fn request() -> TrainingRequest {
    samples::run(1, "pets").request
}

fn job(text: &str) -> Value {
    Template::parse(text).unwrap().job(&request(), "plants").unwrap()
}

#[test]
fn the_job_of_a_run_is_named_after_it_and_marked_with_it() {
    let (job, run) = (job(TEMPLATE), request().run.to_string());
    let metadata = &job["metadata"];
    assert_eq!(metadata["name"], format!("pappus-train-{run}"));
    assert_eq!((&metadata["namespace"], &metadata["generateName"]), (&json!("plants"), &Value::Null));
    let labels = json!({ "app.kubernetes.io/name": "pappus-train", "pappus.io/run": run });
    assert_eq!(job["spec"]["template"]["metadata"], json!({ "annotations": { "a": "b" }, "labels": labels }));
    let mut all = labels;
    all["team"] = "plants".into();
    assert_eq!(metadata["labels"], all);
    assert_eq!(job["status"], Value::Null);
}

#[test]
fn the_first_container_is_given_the_run_as_its_last_argument_and_its_model() {
    let (job, run) = (job(TEMPLATE), request().run.to_string());
    let containers = &job["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["args"], json!(["--verbose", run]));
    assert_eq!(containers[0]["env"], json!([{ "name": "PAPPUS_MODEL", "value": "pets" }]));
    assert_eq!(containers[1]["args"], json!([]));
    let named = "env: [{name: PAPPUS_MODEL, valueFrom: {configMapKeyRef: {name: pappus, key: model}}}]";
    let own = self::job(&TEMPLATE.replace("args: [--verbose]", named));
    let first = &own["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&first["args"], first["env"].as_array().unwrap().len()), (&json!([run]), 1));
}

#[test]
fn a_run_is_never_more_than_one_pod() {
    let job = job(TEMPLATE);
    assert_eq!((&job["spec"]["completions"], &job["spec"]["parallelism"]), (&json!(1), &json!(1)));
}

#[test]
fn all_else_is_the_template_s() {
    let job = job(TEMPLATE);
    let (spec, pod) = (&job["spec"], &job["spec"]["template"]["spec"]);
    assert_eq!((&spec["backoffLimit"], &spec["activeDeadlineSeconds"]), (&json!(1), &json!(3600)));
    assert_eq!(spec["ttlSecondsAfterFinished"], 86400);
    assert_eq!((&pod["restartPolicy"], &pod["nodeSelector"]), (&json!("Never"), &json!({ "gpu": "true" })));
    let resources = json!({
        "requests": { "cpu": 2, "memory": "1Gi" },
        "limits": { "memory": "3Gi", "nvidia.com/gpu": 1 },
    });
    assert_eq!(pod["containers"][0]["resources"], resources);
    assert_eq!(
        (&pod["containers"][1]["name"], &pod["containers"][0]["image"]),
        (&json!("beside"), &json!("pappus-train:0.1.0"))
    );
}

#[test]
fn a_template_of_nothing_to_run_is_refused() {
    let empty = TEMPLATE.split("      containers:").next().unwrap();
    for text in [empty.to_owned(), format!("{empty}      containers: []\n")] {
        let error = Template::parse(&text).unwrap_err();
        assert!(matches!(error, WrongTemplate::NoContainer), "{error:?}");
        assert!(error.to_string().contains("it has no container: wanted is spec.template.spec.containers"), "{error}");
    }
}

#[test]
fn what_is_no_job_is_refused_with_what_is_wanted() {
    for (text, says) in [
        ("kind: Pod\napiVersion: v1", "`kind: Pod` with `apiVersion: v1`: wanted is one `kind: Job`"),
        ("just words", "wanted is one `kind: Job`"),
        ("kind: Job\napiVersion: batch/v1beta1\nspec: {}", "apiVersion: batch/v1beta1"),
        ("kind: Job\napiVersion: batch/v1", "missing field `spec`"),
        ("kind: Job\napiVersion: batch/v1\nspec: {template: {spec: {containers: 7}}}", "invalid type"),
        ("kind: [", "cannot be read as YAML"),
    ] {
        let error = Template::parse(text).unwrap_err();
        let whole = format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default());
        assert!(whole.contains(says), "{whole}");
    }
}
