//! A home whose trainings and releases MLflow is told of: in memory, and the real one that `PAPPUS_TEST_MLFLOW` names.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

pub mod fake;
pub mod proxy;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use pappus_catalog::SharedCatalog;
use pappus_catalog::contract::samples;
use pappus_domain::release::ReleaseAction;
use pappus_domain::{ModelName, ModelVersion, Release, RunId, RunStatus};
use pappus_objects::{Objects, PutMode};
use pappus_telemetry::Metrics;
use pappus_tracking::{Login, News, Report, Round, Sending, Server, Tracking};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use fake::Fake;
use proxy::{Proxy, Upstream};

/// The server in memory, and the real one where there is one: every behaviour is to be seen of both.
pub fn servers() -> Vec<Upstream> {
    let mut servers = vec![Upstream::Fake(Arc::new(Fake::default()))];
    match std::env::var("PAPPUS_TEST_MLFLOW") {
        Ok(url) => servers.push(Upstream::Real(url.trim_end_matches('/').into())),
        Err(_) => {
            let _ = writeln!(std::io::stderr(), "skipped: PAPPUS_TEST_MLFLOW does not name an MLflow server");
        }
    }
    servers
}

/// A server in memory.
pub fn fake() -> Upstream {
    Upstream::Fake(Arc::new(Fake::default()))
}

pub struct Place {
    pub proxy: Proxy,
    pub catalog: SharedCatalog,
    pub objects: Objects,
    pub metrics: Metrics,
    pub tracking: Tracking,
    /// Unlike any other's, for a real server has many.
    pub model: ModelName,
    _home: TempDir,
}

pub async fn place(upstream: Upstream) -> Place {
    let home = tempfile::tempdir().unwrap();
    let at = |scheme: &str, file: &str| format!("{scheme}://{}", home.path().join(file).display());
    let catalog = pappus_catalog::open(&at("sqlite", "catalog.db")).await.unwrap();
    let objects = pappus_objects::open(&at("file", "objects")).await.unwrap();
    let (proxy, metrics) = (Proxy::before(upstream).await, Metrics::default());
    let server = Server::new(&proxy.url(), Login::default()).unwrap();
    let tracking = Tracking::new(Some(&server), objects.clone(), catalog.clone(), &metrics, Sending::WhenAsked);
    let name = home.path().file_name().unwrap().to_string_lossy().to_lowercase();
    let hash = pappus_domain::Digest::of(name.as_bytes()).short(12);
    Place { proxy, catalog, objects, metrics, tracking, model: samples::name(&format!("pets-{hash}")), _home: home }
}

impl Place {
    /// The same home in another process.
    pub fn another(&self, sending: Sending) -> Tracking {
        let server = Server::new(&self.proxy.url(), Login::default()).unwrap();
        Tracking::new(Some(&server), self.objects.clone(), self.catalog.clone(), &Metrics::default(), sending)
    }

    pub async fn put(&self, key: &str, bytes: &[u8]) {
        self.objects.put(&key.parse().unwrap(), bytes.to_vec().into(), PutMode::Overwrite).await.unwrap();
    }

    /// A run that has begun, told of.
    pub async fn begin(&self, number: u64) -> RunId {
        let run = samples::run(number, self.model.as_str());
        self.catalog.create_run(&run).await.unwrap();
        let id = run.request.run;
        self.catalog.update_run(&id, None, &RunStatus::RUNNING, samples::time(1)).await.unwrap();
        self.tracking.tell(News::run(id)).await;
        id
    }

    /// A run that has made a version, told of.
    pub async fn train(&self, number: u64) -> ModelVersion {
        let id = self.begin(number).await;
        let manifest = samples::manifest(number, self.model.as_str());
        for (file, bytes) in [
            ("model.onnx", &b"a network"[..]),
            ("golden.json", b"{}"),
            ("manifest.json", b"{\"schema\":1}"),
            ("plots/validation.svg", b"<svg/>"),
        ] {
            self.put(&format!("models/{}/{}/{file}", self.model, manifest.version), bytes).await;
        }
        self.catalog.record_model(&manifest).await.unwrap();
        let metrics = BTreeMap::from([("test_accuracy".to_owned(), 0.75)]);
        let succeeded = RunStatus::Succeeded { version: manifest.version.clone(), metrics };
        self.catalog.update_run(&id, Some(&samples::digest(number)), &succeeded, samples::time(9)).await.unwrap();
        self.tracking.tell(News::run(id)).await;
        manifest.version
    }

    /// Judges a version against the present champion, and tells of it.
    pub async fn judge(&self, number: u64, passed: bool) {
        let release = self.catalog.release(&self.model).await.unwrap();
        let mut evaluation = samples::evaluation(number, self.model.as_str(), number, 20);
        evaluation.champion = release.map(|release| release.champion);
        evaluation.verdict.passed = passed;
        self.put(&evaluation.object_key("report.json"), b"{\"accuracy\":0.5}").await;
        self.put(&evaluation.object_key("plots/confusion.svg"), b"<svg/>").await;
        self.catalog.record_evaluation(&evaluation).await.unwrap();
        self.tracking.tell(News::Version { model: self.model.clone(), version: evaluation.version }).await;
    }

    /// Makes a version the champion, and tells of it.
    pub async fn promote(&self, version: &ModelVersion) {
        let current = self.catalog.release(&self.model).await.unwrap();
        let next = Release::promote(current.as_ref(), &self.model, version).unwrap();
        self.change(current, next, ReleaseAction::Promote).await;
    }

    /// Brings the champion before back, and tells of it.
    pub async fn roll_back(&self) {
        let current = self.catalog.release(&self.model).await.unwrap().unwrap();
        let next = current.roll_back().unwrap();
        self.change(Some(current), next, ReleaseAction::Rollback).await;
    }

    async fn change(&self, current: Option<Release>, next: Release, action: ReleaseAction) {
        let change = samples::change(action, next.generation.cast_signed());
        self.catalog.change_release(current.as_ref(), &next, change).await.unwrap();
        self.tracking.tell(News::Release { model: self.model.clone() }).await;
    }

    /// Tells all that waits, to the end.
    pub async fn send(&self) -> usize {
        match self.tracking.send().await.unwrap() {
            Round::Done { told } => told,
            other => panic!("not all was told: {other:?}"),
        }
    }

    pub async fn report(&self) -> Report {
        self.tracking.report().await.unwrap()
    }

    /// What MLflow says to a `GET`.
    pub async fn get(&self, call: &str, query: &[(&str, &str)]) -> Value {
        let mut url = url::Url::parse(&format!("{}/api/2.0/mlflow/{call}", self.proxy.url())).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let text = spawn_blocking(move || agent().get(url.as_str()).call().unwrap().body_mut().read_to_string());
        serde_json::from_str(&text.await.unwrap().unwrap()).unwrap()
    }

    /// What MLflow says to a `POST`.
    pub async fn post(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{call}", self.proxy.url());
        let text = spawn_blocking(move || {
            let request = agent().post(&url).header("content-type", "application/json");
            request.send(body.to_string()).unwrap().body_mut().read_to_string()
        });
        serde_json::from_str(&text.await.unwrap().unwrap()).unwrap()
    }

    /// The id of the model's experiment.
    pub async fn experiment(&self) -> String {
        let found = self.get("experiments/get-by-name", &[("experiment_name", self.model.as_str())]).await;
        found["experiment"]["experiment_id"].as_str().unwrap_or_default().to_owned()
    }

    /// The runs that have not been deleted.
    pub async fn runs(&self) -> Vec<Tracked> {
        let body = json!({ "experiment_ids": [self.experiment().await] });
        let found = self.post("runs/search", body).await;
        found["runs"].as_array().into_iter().flatten().map(Tracked::of).collect()
    }

    /// The run of a number.
    pub async fn run(&self, number: u64) -> Tracked {
        let id = samples::run(number, "pets").request.run.to_string();
        let mut found: Vec<Tracked> =
            self.runs().await.into_iter().filter(|run| run.tags["pappus.run_id"] == id).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.pop().unwrap()
    }

    /// The values of a metric of a run, by step.
    pub async fn history(&self, run: &Tracked, key: &str) -> Vec<(u64, f64)> {
        let found = self.get("metrics/get-history", &[("run_id", &run.id), ("metric_key", key)]).await;
        let points = found["metrics"].as_array().into_iter().flatten();
        // Numbers that are 0 are left out.
        points.map(|p| (p["step"].as_u64().unwrap_or(0), p["value"].as_f64().unwrap_or(0.0))).collect()
    }

    /// The paths of the files in a folder of a run's artifacts.
    pub async fn files(&self, run: &Tracked, folder: &str) -> Vec<String> {
        let found = self.get("artifacts/list", &[("run_id", &run.id), ("path", folder)]).await;
        let files = found["files"].as_array().into_iter().flatten();
        let mut paths: Vec<String> = files.map(|file| file["path"].as_str().unwrap().to_owned()).collect();
        paths.sort();
        paths
    }

    /// The bytes of an artifact.
    pub async fn file(&self, run: &Tracked, path: &str) -> Vec<u8> {
        let root = run.artifacts.strip_prefix("mlflow-artifacts:/").unwrap();
        let url = format!("{}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}", self.proxy.url());
        spawn_blocking(move || agent().get(&url).call().unwrap().body_mut().read_to_vec().unwrap()).await.unwrap()
    }

    /// The versions of the model: number, source, MLflow's id of the run, and tags.
    pub async fn version(&self, version: &ModelVersion) -> Value {
        let filter = format!("name = '{}' and tags.`pappus.version` = '{version}'", self.model);
        let found = self.get("model-versions/search", &[("filter", &filter)]).await;
        let found = found["model_versions"].as_array().cloned().unwrap_or_default();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    /// The versions behind `champion` and `challenger`, by our names of them.
    pub async fn aliases(&self, versions: &[&ModelVersion]) -> [Option<ModelVersion>; 2] {
        let mut numbers = BTreeMap::new();
        for version in versions {
            numbers.insert(self.version(version).await["version"].as_str().unwrap().to_owned(), (*version).clone());
        }
        let found = self.get("registered-models/get", &[("name", self.model.as_str())]).await;
        let aliases = found["registered_model"]["aliases"].as_array().cloned().unwrap_or_default();
        ["champion", "challenger"].map(|name| {
            let alias = aliases.iter().find(|alias| alias["alias"] == name)?;
            Some(numbers[alias["version"].as_str().unwrap()].clone())
        })
    }
}

/// A run, as MLflow has it.
#[derive(Debug)]
pub struct Tracked {
    pub id: String,
    pub status: String,
    pub artifacts: String,
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
}

impl Tracked {
    fn of(run: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pairs = |pairs: &Value| {
            pairs.as_array().into_iter().flatten().map(|pair| (text(&pair["key"]), text(&pair["value"]))).collect()
        };
        let (info, data) = (&run["info"], &run["data"]);
        Self {
            id: text(&info["run_id"]),
            status: text(&info["status"]),
            artifacts: text(&info["artifact_uri"]),
            parameters: pairs(&data["params"]),
            tags: pairs(&data["tags"]),
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
