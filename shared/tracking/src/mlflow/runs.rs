//! Experiments and runs.

use pappus_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Mlflow, Nothing, found, made};
use crate::error::Error;

/// A run that MLflow has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TrackedRun {
    /// MLflow's own id of it.
    #[serde(rename = "run_id")]
    pub(crate) id: String,
    /// Where its artifacts are.
    pub(crate) artifact_uri: String,
    lifecycle_stage: String,
}

/// One figure of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) key: String,
    pub(crate) value: f64,
    /// In milliseconds.
    pub(crate) timestamp: i64,
    pub(crate) step: u64,
}

/// What is logged to a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    /// What never changes.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tags: Vec<(String, String)>,
}

/// The most of each kind, and of all kinds together, that MLflow takes at once.
const MOST_FIGURES: usize = 800;
const MOST_PAIRS: usize = 100;

#[derive(Deserialize)]
struct Experiment {
    experiment_id: String,
    lifecycle_stage: String,
}

#[derive(Deserialize)]
struct WithInfo {
    info: TrackedRun,
}

impl Mlflow {
    /// The id of the experiment of a name, which is made where it is missing.
    pub(crate) async fn experiment(&self, name: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Made {
            experiment_id: String,
        }
        if let Some(id) = self.find_experiment(name).await? {
            return Ok(id);
        }
        let creating = self.post::<Made>("experiments/create", &json!({ "name": name })).await;
        if let Some(Made { experiment_id }) = made(creating)? {
            return Ok(experiment_id);
        }
        // Somebody else was quicker.
        let vanished = || Error::Untellable(format!("MLflow says of the experiment `{name}` that it is there and not"));
        self.find_experiment(name).await?.ok_or_else(vanished)
    }

    async fn find_experiment(&self, name: &str) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Found {
            experiment: Experiment,
        }
        let answer = self.get::<Found>("experiments/get-by-name", &[("experiment_name", name)]).await;
        let Some(Found { experiment }) = found(answer)? else { return Ok(None) };
        if experiment.lifecycle_stage != "active" {
            let what = format!("the experiment `{name}` has been deleted in MLflow: restore it there, or erase it");
            return Err(Error::Untellable(what));
        }
        Ok(Some(experiment.experiment_id))
    }

    /// The run with this tag, made where it is missing. Of several, which can only come of an answer that was long in
    /// coming, one stays.
    pub(crate) async fn run(&self, experiment: &str, tag: (&str, &str), begun: Timestamp) -> Result<TrackedRun, Error> {
        if let Some(run) = self.find_run(experiment, tag).await? {
            return Ok(run);
        }
        let (key, value) = tag;
        let body = json!({
            "experiment_id": experiment, "run_name": value, "start_time": begun.as_millisecond(),
            "tags": [{ "key": key, "value": value }],
        });
        #[derive(Deserialize)]
        struct Made {
            run: WithInfo,
        }
        let Made { run } = self.post("runs/create", &body).await?;
        Ok(self.find_run(experiment, tag).await?.unwrap_or(run.info))
    }

    async fn find_run(&self, experiment: &str, (key, value): (&str, &str)) -> Result<Option<TrackedRun>, Error> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            runs: Vec<WithInfo>,
        }
        let body = json!({
            "experiment_ids": [experiment], "filter": format!("tags.`{key}` = '{value}'"), "run_view_type": "ALL",
        });
        let Found { runs } = self.post("runs/search", &body).await?;
        let (active, deleted): (Vec<_>, Vec<_>) =
            runs.into_iter().map(|run| run.info).partition(|run| run.lifecycle_stage == "active");
        let Some(kept) = active.iter().min_by(|a, b| a.id.cmp(&b.id)) else {
            if deleted.is_empty() {
                return Ok(None);
            }
            return Err(Error::Untellable(format!("run {value} has been deleted in MLflow: restore it there")));
        };
        for double in active.iter().filter(|run| run.id != kept.id) {
            tracing::warn!(run = value, double.id, "a run that MLflow has twice is deleted there");
            self.post::<Nothing>("runs/delete", &json!({ "run_id": double.id })).await?;
        }
        Ok(Some(kept.clone()))
    }

    /// Logs to a run. The same once more changes nothing.
    pub(crate) async fn log(&self, run: &TrackedRun, log: &Log) -> Result<(), Error> {
        let pair = |(key, value): &(String, String)| json!({ "key": key, "value": value });
        for part in 0.. {
            let figures = log.figures.chunks(MOST_FIGURES).nth(part).unwrap_or_default();
            let parameters = log.parameters.chunks(MOST_PAIRS).nth(part).unwrap_or_default();
            let tags = log.tags.chunks(MOST_PAIRS).nth(part).unwrap_or_default();
            if figures.is_empty() && parameters.is_empty() && tags.is_empty() {
                break;
            }
            let (parameters, tags): (Vec<_>, Vec<_>) =
                (parameters.iter().map(pair).collect(), tags.iter().map(pair).collect());
            let body = json!({ "run_id": run.id, "metrics": figures, "params": parameters, "tags": tags });
            self.post::<Nothing>("runs/log-batch", &body).await?;
        }
        Ok(())
    }

    /// Ends a run: `FINISHED` or `FAILED`.
    pub(crate) async fn end(&self, run: &TrackedRun, status: &str, at: Timestamp) -> Result<(), Error> {
        let body = json!({ "run_id": run.id, "status": status, "end_time": at.as_millisecond() });
        self.post::<Nothing>("runs/update", &body).await.map(drop)
    }
}
