//! `pappus runs`.

use pappus_domain::{Run, RunStatus};
use pappus_host::Context;

use super::follow::figures;
use crate::output::{Output, percent, table};
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, limit: usize, output: Output) -> Result<(), Trouble> {
    let runs = context.catalog.runs(&context.settings.model, limit).await?;
    output.print(&runs, || {
        let rows = runs.iter().map(|run| {
            let Run { request, status, requested_at, .. } = run;
            [
                request.run.to_string(),
                format!("{requested_at:.0}"),
                request.recipe.as_str().into(),
                status.as_str().into(),
                outcome(status),
                request.reason.clone(),
            ]
        });
        table(["run", "asked for", "recipe", "status", "outcome", "why"], rows)
    })
}

pub(crate) fn outcome(status: &RunStatus) -> String {
    match status {
        RunStatus::Requested | RunStatus::Running { progress: None } => String::new(),
        RunStatus::Running { progress: Some(progress) } => format!("{}{}", progress.stage, figures(progress)),
        RunStatus::Failed { message } => message.clone(),
        RunStatus::Succeeded { version, metrics } => {
            let accuracy = metrics.get("test_accuracy").map(|accuracy| format!(" (test {})", percent(*accuracy)));
            format!("version {version}{}", accuracy.unwrap_or_default())
        }
    }
}
