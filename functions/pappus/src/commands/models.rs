//! `pappus models`.

use pappus_domain::Manifest;
use pappus_host::Context;
use serde_json::json;

use super::plots::Folders;
use crate::output::{Output, percent, table};
use crate::shell::program;
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, limit: usize, output: Output) -> Result<(), Trouble> {
    let model = &context.settings.model;
    let models = context.catalog.models(model, limit).await?;
    let release = context.catalog.release(model).await?;
    let mut evaluations = Vec::with_capacity(models.len());
    for manifest in &models {
        evaluations.push(context.catalog.evaluation(model, &manifest.version).await?);
    }
    let role = |manifest: &Manifest| match &release {
        Some(release) if release.champion == manifest.version => "champion",
        Some(release) if release.previous.as_ref() == Some(&manifest.version) => "previous",
        _ => "",
    };
    let verdicts = || {
        evaluations.iter().map(|evaluation| match evaluation {
            None => "not evaluated",
            Some(evaluation) if evaluation.verdict.passed => "passed",
            Some(_) => "failed",
        })
    };
    let values: Vec<_> = models
        .iter()
        .zip(&evaluations)
        .zip(verdicts())
        .map(|((manifest, evaluation), verdict)| {
            let plots = Folders::new(model, &manifest.version, evaluation.as_ref());
            json!({ "manifest": manifest, "role": role(manifest), "verdict": verdict, "plots": plots })
        })
        .collect();
    if models.is_empty() && limit > 0 {
        let none = none(context).await?;
        return output.print(&values, || none);
    }
    output.print(&values, || {
        let rows = models.iter().zip(verdicts()).map(|(manifest, verdict)| {
            let training = &manifest.training;
            [
                manifest.version.to_string(),
                role(manifest).into(),
                verdict.into(),
                percent(training.test.value),
                percent(training.cross_validation.accuracy),
                training.parameters.get("candidate").cloned().unwrap_or_default(),
                format!("{:.0}", manifest.created_at),
            ]
        });
        let table = table(["version", "role", "verdict", "test", "validated", "recipe", "made"], rows);
        format!("{table}\nplots of one: {} plots VERSION", program())
    })
}

/// What is said where the model has no version: perhaps another name was meant.
async fn none(context: &Context) -> Result<String, Trouble> {
    let model = &context.settings.model;
    let others: Vec<String> = context.catalog.model_names().await?.iter().map(ToString::to_string).collect();
    Ok(match others.as_slice() {
        [] => format!("there is no version of `{model}` yet: `pappus train` makes one"),
        others => {
            format!("there is no version of `{model}`, but of {}: PAPPUS_MODEL says which is meant", others.join(", "))
        }
    })
}
