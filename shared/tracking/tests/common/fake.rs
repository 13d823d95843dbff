//! An MLflow server in memory, with what is asked of one here; as strict as the real one where that matters.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// Where it says that artifacts are.
const ARTIFACTS: &str = "mlflow-artifacts:";

#[derive(Debug, Default)]
pub struct Fake {
    state: Mutex<State>,
    /// Where artifacts are kept, if not behind the server itself.
    artifacts: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    /// Name and stage, by id.
    experiments: Vec<(String, &'static str)>,
    runs: BTreeMap<String, Run>,
    models: BTreeMap<String, Model>,
    files: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Run {
    info: Value,
    parameters: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    metrics: Vec<Value>,
}

#[derive(Debug, Default)]
struct Model {
    versions: Vec<(Value, BTreeMap<String, String>)>,
    aliases: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

/// Status and body.
pub type Reply = (u16, Vec<u8>);

fn complain(status: u16, code: &str, message: &str) -> Reply {
    (status, json!({ "error_code": code, "message": message }).to_string().into())
}

fn missing(what: &str) -> Reply {
    complain(404, "RESOURCE_DOES_NOT_EXIST", &format!("{what} not found"))
}

fn invalid(what: &str) -> Reply {
    complain(400, "INVALID_PARAMETER_VALUE", what)
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<Value> {
    map.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

fn text(body: &Value, key: &str) -> String {
    body[key].as_str().unwrap_or_default().to_owned()
}

/// The quoted words of a filter such as ``name = 'a' and tags.`b` = 'c'``.
fn quoted(filter: &str, mark: char) -> Vec<&str> {
    filter.split(mark).skip(1).step_by(2).collect()
}

impl Fake {
    /// One that does not take files itself.
    pub fn keeping_files_at(artifacts: &'static str) -> Self {
        Self { artifacts: Some(artifacts), ..Self::default() }
    }

    /// Answers a request. `query` and JSON bodies are one to it.
    pub fn answer(&self, method: &str, path: &str, query: &BTreeMap<String, String>, body: &[u8]) -> Reply {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = path.strip_prefix("/api/2.0/mlflow-artifacts/artifacts/") {
            return match method {
                "PUT" => {
                    state.files.insert(file.into(), body.into());
                    (200, Vec::new())
                }
                _ => state.files.get(file).map_or_else(|| missing(file), |bytes| (200, bytes.clone())),
            };
        }
        let Some(call) = path.strip_prefix("/api/2.0/mlflow/") else { return (404, b"<h1>Not Found</h1>".into()) };
        let asked = match method {
            "GET" => json!(query),
            _ => match serde_json::from_slice(body) {
                Ok(asked) => asked,
                Err(error) => return invalid(&error.to_string()),
            },
        };
        let done = match call.split_once('/') {
            Some(("experiments" | "runs" | "metrics" | "artifacts", _)) => {
                state.tracking(call, &asked, self.artifacts.unwrap_or(ARTIFACTS))
            }
            _ => state.registry(method, call, &asked),
        };
        done.map_or_else(|refusal| refusal, |answer| (200, answer.to_string().into()))
    }
}

impl State {
    fn tracking(&mut self, call: &str, asked: &Value, artifacts: &str) -> Result<Value, Reply> {
        match call {
            "experiments/get-by-name" => {
                let name = text(asked, "experiment_name");
                let (id, (name, stage)) = (self.experiments.iter().enumerate())
                    .find(|(_, (known, _))| *known == name)
                    .ok_or_else(|| missing("experiment"))?;
                let experiment = json!({ "experiment_id": id.to_string(), "name": name, "lifecycle_stage": stage });
                Ok(json!({ "experiment": experiment }))
            }
            "experiments/create" => {
                let name = text(asked, "name");
                if self.experiments.iter().any(|(known, _)| *known == name) {
                    return Err(complain(400, "RESOURCE_ALREADY_EXISTS", "it is there"));
                }
                self.experiments.push((name, "active"));
                Ok(json!({ "experiment_id": (self.experiments.len() - 1).to_string() }))
            }
            "experiments/delete" => {
                let id: usize = text(asked, "experiment_id").parse().map_err(|_| missing("experiment"))?;
                self.experiments[id].1 = "deleted";
                Ok(json!({}))
            }
            "runs/create" => {
                let (id, experiment) = (format!("{:032x}", self.runs.len()), text(asked, "experiment_id"));
                let stage = self.experiments.get(experiment.parse::<usize>().unwrap_or(usize::MAX));
                if stage.is_none_or(|(_, stage)| *stage != "active") {
                    return Err(invalid("the experiment is not active"));
                }
                let info = json!({
                    "run_id": id, "experiment_id": experiment, "run_name": asked["run_name"], "status": "RUNNING",
                    "start_time": asked["start_time"], "lifecycle_stage": "active",
                    "artifact_uri": format!("{artifacts}/{experiment}/{id}/artifacts"),
                });
                let mut run = Run { info, ..Run::default() };
                run.tag(&asked["tags"]);
                let told = run.told();
                self.runs.insert(id, run);
                Ok(json!({ "run": told }))
            }
            "runs/search" => Ok(self.search(asked)),
            "artifacts/list" => self.list(asked, artifacts),
            _ => {
                let id = text(asked, "run_id");
                self.runs.get_mut(&id).ok_or_else(|| missing("run"))?.change(call, asked)
            }
        }
    }

    fn search(&self, asked: &Value) -> Value {
        let filter = text(asked, "filter");
        let (keys, values) = (quoted(&filter, '`'), quoted(&filter, '\''));
        let matches = |run: &&Run| {
            let is_here =
                asked["experiment_ids"].as_array().is_some_and(|ids| ids.contains(&run.info["experiment_id"]));
            let is_wanted = asked["run_view_type"] == "ALL" || run.info["lifecycle_stage"] == "active";
            let mut tags = keys.iter().zip(&values);
            is_here && is_wanted && tags.all(|(key, value)| run.tags.get(*key).is_some_and(|found| found == value))
        };
        let runs: Vec<Value> = self.runs.values().filter(matches).map(Run::told).collect();
        if runs.is_empty() { json!({}) } else { json!({ "runs": runs }) }
    }

    fn list(&self, asked: &Value, artifacts: &str) -> Result<Value, Reply> {
        let run = self.runs.get(&text(asked, "run_id")).ok_or_else(|| missing("run"))?;
        let root = text(&run.info, "artifact_uri").replace(&format!("{artifacts}/"), "") + "/";
        let folder = format!("{root}{}/", text(asked, "path"));
        let mut files = BTreeMap::new();
        for (path, bytes) in self.files.iter().filter(|(path, _)| path.starts_with(&folder)) {
            let path = &path[root.len()..];
            let found = match path[folder.len() - root.len()..].split_once('/') {
                Some((inner, _)) => json!({ "path": format!("{}/{inner}", text(asked, "path")), "is_dir": true }),
                None => json!({ "path": path, "is_dir": false, "file_size": bytes.len() }),
            };
            files.insert(found["path"].to_string(), found);
        }
        Ok(if files.is_empty() { json!({}) } else { json!({ "files": files.into_values().collect::<Vec<_>>() }) })
    }

    fn registry(&mut self, method: &str, call: &str, asked: &Value) -> Result<Value, Reply> {
        let name = text(asked, "name");
        match (method, call) {
            ("POST", "registered-models/create") if self.models.contains_key(&name) => {
                Err(complain(400, "RESOURCE_ALREADY_EXISTS", "it is there"))
            }
            ("POST", "registered-models/create") => {
                let tags = asked["tags"].as_array().into_iter().flatten();
                let tags = tags.map(|tag| (text(tag, "key"), text(tag, "value"))).collect();
                self.models.insert(name, Model { tags, ..Model::default() });
                Ok(json!({}))
            }
            ("GET", "model-versions/search") => {
                let filter = text(asked, "filter");
                let (key, values) = (quoted(&filter, '`'), quoted(&filter, '\''));
                let versions = self.models.get(values[0]).into_iter().flat_map(|model| &model.versions);
                let wanted = versions.filter(|(_, tags)| tags.get(key[0]).is_some_and(|value| value == values[1]));
                let found: Vec<Value> = wanted.map(|(version, _)| version.clone()).collect();
                Ok(if found.is_empty() { json!({}) } else { json!({ "model_versions": found }) })
            }
            _ => self.models.get_mut(&name).ok_or_else(|| missing("model"))?.change(method, call, asked),
        }
    }
}

impl Run {
    fn told(&self) -> Value {
        json!({ "info": self.info, "data": { "params": pairs(&self.parameters), "tags": pairs(&self.tags) } })
    }

    fn tag(&mut self, tags: &Value) {
        let tags = tags.as_array().into_iter().flatten();
        self.tags.extend(tags.map(|tag| (text(tag, "key"), text(tag, "value"))));
    }

    fn change(&mut self, call: &str, asked: &Value) -> Result<Value, Reply> {
        if self.info["lifecycle_stage"] != "active" && call != "metrics/get-history" {
            return Err(invalid("the run is not active"));
        }
        match call {
            "runs/log-batch" => {
                for parameter in asked["params"].as_array().into_iter().flatten() {
                    let (key, value) = (text(parameter, "key"), text(parameter, "value"));
                    if self.parameters.insert(key, value.clone()).is_some_and(|before| before != value) {
                        return Err(invalid("changing parameters is not allowed"));
                    }
                }
                self.tag(&asked["tags"]);
                for metric in asked["metrics"].as_array().into_iter().flatten() {
                    if !self.metrics.contains(metric) {
                        self.metrics.push(metric.clone());
                    }
                }
            }
            "runs/update" => {
                for key in ["status", "end_time"] {
                    self.info[key] = asked[key].clone();
                }
            }
            "runs/delete" => self.info["lifecycle_stage"] = json!("deleted"),
            "metrics/get-history" => {
                let of_key = |metric: &&Value| metric["key"] == asked["metric_key"];
                return Ok(json!({ "metrics": self.metrics.iter().filter(of_key).collect::<Vec<_>>() }));
            }
            _ => return Err((404, b"<h1>Not Found</h1>".into())),
        }
        Ok(json!({}))
    }
}

impl Model {
    fn change(&mut self, method: &str, call: &str, asked: &Value) -> Result<Value, Reply> {
        let (alias, version) = (text(asked, "alias"), text(asked, "version"));
        let number = || version.parse::<usize>().ok().filter(|number| (1..=self.versions.len()).contains(number));
        match (method, call) {
            ("GET", "registered-models/get") => {
                let alias = |(alias, version)| json!({ "alias": alias, "version": version });
                let aliases: Vec<Value> = self.aliases.iter().map(alias).collect();
                return Ok(json!({ "registered_model": { "aliases": aliases, "tags": pairs(&self.tags) } }));
            }
            ("POST", "model-versions/create") => {
                let version = json!({
                    "version": (self.versions.len() + 1).to_string(), "source": asked["source"],
                    "run_id": asked["run_id"], "tags": asked["tags"],
                });
                let tags = asked["tags"].as_array().into_iter().flatten();
                let tags = tags.map(|tag| (text(tag, "key"), text(tag, "value"))).collect();
                self.versions.push((version.clone(), tags));
                return Ok(json!({ "model_version": version }));
            }
            ("POST", "model-versions/set-tag") => {
                let at = number().ok_or_else(|| missing("version"))? - 1;
                let (version, tags) = &mut self.versions[at];
                tags.insert(text(asked, "key"), text(asked, "value"));
                version["tags"] = json!(pairs(tags));
            }
            ("POST", "registered-models/set-tag") => {
                self.tags.insert(text(asked, "key"), text(asked, "value"));
            }
            ("POST", "registered-models/alias") => {
                number().ok_or_else(|| missing("version"))?;
                self.aliases.insert(alias, version);
            }
            ("DELETE", "registered-models/alias") => {
                self.aliases.remove(&alias);
            }
            _ => return Err((404, b"<h1>Not Found</h1>".into())),
        }
        Ok(json!({}))
    }
}
