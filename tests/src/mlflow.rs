//! What an MLflow server has been told.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// The real server, as whoever looks at it sees it.
#[derive(Clone, Debug)]
pub struct Mlflow {
    /// Its address.
    pub url: String,
}

impl Mlflow {
    /// Asks it over REST: to look where there is no body.
    ///
    /// # Errors
    /// Where it does not answer with what was asked for.
    pub fn ask(&self, call: &str, body: Option<Value>) -> Result<Value> {
        let url = format!("{}/api/2.0/mlflow/{call}", self.url);
        let mut answer = match body {
            None => ureq::get(&url).call()?,
            Some(body) => ureq::post(&url).header("content-type", "application/json").send(body.to_string())?,
        };
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// The runs of a model, by our ids of them: status and MLflow's id.
    ///
    /// # Errors
    /// Where there is no such model, or one of its runs stands twice.
    pub fn runs(&self, model: &str) -> Result<BTreeMap<String, (String, String)>> {
        let experiment = self.ask(&format!("experiments/get-by-name?experiment_name={model}"), None)?;
        let id = &experiment["experiment"]["experiment_id"];
        let found = self.ask("runs/search", Some(json!({ "experiment_ids": [id] })))?;
        let found = found["runs"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let run = |run: &Value| {
            let tags = run["data"]["tags"].as_array().cloned().unwrap_or_default();
            let ours = tags.iter().find(|tag| tag["key"] == "pappus.run_id").map(|tag| text(&tag["value"]));
            (ours.unwrap_or_default(), (text(&run["info"]["status"]), text(&run["info"]["run_id"])))
        };
        let all: BTreeMap<_, _> = found.iter().map(run).collect();
        ensure!(all.len() == found.len(), "a run stands twice: {found:?}");
        Ok(all)
    }

    /// The version behind `champion`, by our name of it.
    ///
    /// # Errors
    /// Where the alias is not ours.
    pub fn champion(&self, model: &str) -> Result<Option<String>> {
        let Ok(found) = self.ask(&format!("registered-models/alias?name={model}&alias=champion"), None) else {
            return Ok(None);
        };
        let tags = found["model_version"]["tags"].as_array().cloned().unwrap_or_default();
        let version = tags.iter().find(|tag| tag["key"] == "pappus.version").context("it is not ours")?;
        Ok(version["value"].as_str().map(str::to_owned))
    }
}
