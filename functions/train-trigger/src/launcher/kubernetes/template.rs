//! From the template to the Job of a run.

use std::collections::BTreeMap;

use pappus_domain::RunId;
use pappus_domain::run::TrainingRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Why a text is no template of a Job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrongTemplate {
    /// The key is missing.
    #[error("there is no such key: the ConfigMap has {}", keys(has))]
    NoKey {
        /// The keys there are.
        has: Vec<String>,
    },
    /// It is not YAML.
    #[error("it cannot be read as YAML")]
    Yaml(#[source] Box<serde_saphyr::Error>),
    /// It is something else.
    #[error("it is {what}: wanted is one `kind: Job` with `apiVersion: batch/v1`")]
    NotAJob {
        /// What it is.
        what: String,
    },
    /// A part that is needed is missing, or has another shape than it must.
    #[error("it is no Job")]
    Shape(#[source] serde_json::Error),
    /// Nothing would run.
    #[error("it has no container: wanted is spec.template.spec.containers, the first of which runs `pappus-train`")]
    NoContainer,
}

fn keys(has: &[String]) -> String {
    if has.is_empty() { "none".into() } else { format!("`{}`", has.join("`, `")) }
}

/// The name of a run's Job.
pub fn name(run: RunId) -> String {
    format!("pappus-train-{run}")
}

/// What tells the container which model it is about.
const MODEL: &str = "PAPPUS_MODEL";

/// A Job that says how every training runs. What Pappus has no word in is passed on as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    api_version: String,
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    spec: JobSpec,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct JobSpec {
    template: PodTemplate,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PodTemplate {
    #[serde(default)]
    metadata: Metadata,
    spec: PodSpec,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PodSpec {
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Container {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Template {
    /// Reads a template, in YAML or JSON.
    ///
    /// # Errors
    /// [`WrongTemplate`].
    pub fn parse(text: &str) -> Result<Self, WrongTemplate> {
        let parsed: Value = serde_saphyr::from_str(text).map_err(|error| WrongTemplate::Yaml(error.into()))?;
        let said = |key: &str| parsed.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, version) = (said("kind"), said("apiVersion"));
        if (kind, version) != ("Job", "batch/v1") {
            return Err(WrongTemplate::NotAJob { what: format!("`kind: {kind}` with `apiVersion: {version}`") });
        }
        let template: Self = serde_json::from_value(parsed).map_err(WrongTemplate::Shape)?;
        if template.spec.template.spec.containers.is_empty() {
            return Err(WrongTemplate::NoContainer);
        }
        Ok(template)
    }

    /// The Job of a run: with a name and labels of its own, the run as the last argument of the first container, and never
    /// more than one pod at a time.
    ///
    /// # Errors
    /// Fails where it cannot be written as JSON.
    pub fn job(&self, request: &TrainingRequest, namespace: &str) -> Result<Value, serde_json::Error> {
        let mut job = self.clone();
        let Self { metadata, spec, rest, .. } = &mut job;
        rest.remove("status");
        metadata.label(request.run);
        // A fixed name would be one Job for all runs.
        metadata.rest.remove("generateName");
        metadata.rest.insert("name".into(), name(request.run).into());
        metadata.rest.insert("namespace".into(), namespace.into());
        for once in ["completions", "parallelism"] {
            spec.rest.insert(once.into(), 1.into());
        }
        spec.template.metadata.label(request.run);
        if let Some(first) = spec.template.spec.containers.first_mut() {
            first.args.push(request.run.to_string());
            first.is_about(request);
        }
        serde_json::to_value(job)
    }
}

impl Metadata {
    fn label(&mut self, run: RunId) {
        self.labels.insert("app.kubernetes.io/name".into(), "pappus-train".into());
        self.labels.insert("pappus.io/run".into(), run.to_string());
    }
}

impl Container {
    /// Names the model, unless the template does.
    fn is_about(&mut self, request: &TrainingRequest) {
        if !self.env.iter().any(|variable| variable["name"] == MODEL) {
            self.env.push(json!({ "name": MODEL, "value": request.model }));
        }
    }
}
