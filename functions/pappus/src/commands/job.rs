//! `pappus cancel` and `pappus logs`: the job of a run.

use pappus_domain::RunId;
use pappus_host::Context;
use pappus_train_trigger::cancel as end;
use serde_json::json;

use super::notify;
use super::up::launcher;
use crate::cli;
use crate::output::Output;
use crate::trouble::Trouble;

/// What the run says of an operator's doing.
const BY_OPERATOR: &str = "cancelled by an operator";

pub(crate) async fn cancel(context: &Context, run: RunId, output: Output) -> Result<(), Trouble> {
    let cancelled = end(context, run, BY_OPERATOR).await?;
    if let Some(launcher) = launcher(context).await? {
        launcher.cancel(run).await?;
    }
    let printed = output.print(&json!({ "run": run, "cancelled": cancelled.is_some() }), || match cancelled {
        Some(_) => format!("run {run} is cancelled; a training at work on it stops within seconds"),
        None => format!("run {run} was over already"),
    });
    if let Some(event) = &cancelled {
        // No function hears what a command does.
        notify::tell(context, "train-trigger", event).await;
    }
    printed
}

pub(crate) async fn logs(context: &Context, options: cli::Logs, output: Output) -> Result<(), Trouble> {
    let cli::Logs { run, lines } = options;
    let Some(launcher) = launcher(context).await? else {
        return Err(Trouble::Found("PAPPUS_LAUNCHER is `events:`: the train function's own host has its logs".into()));
    };
    let text = launcher.logs(run, lines.into()).await?;
    output.print(&json!({ "run": run, "logs": text }), || text.clone())
}
