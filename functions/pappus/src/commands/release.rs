//! `pappus promote` and `pappus rollback`.

use pappus_host::Context;
use pappus_promote::{By, Changed, Promote};
use serde_json::json;

use super::notify;
use crate::cli;
use crate::output::Output;
use crate::session::{operator, version};
use crate::trouble::Trouble;

pub(crate) async fn promote(context: &Context, options: cli::Promote, output: Output) -> Result<(), Trouble> {
    let version = version(context, &options.version).await?;
    let by = By { actor: operator(), reason: options.reason };
    done(context, &Promote::new(context.clone()).promote(&version, options.force, by).await?, output).await
}

pub(crate) async fn roll_back(context: &Context, options: cli::Rollback, output: Output) -> Result<(), Trouble> {
    let by = By { actor: operator(), reason: options.reason };
    done(context, &Promote::new(context.clone()).roll_back(by).await?, output).await
}

async fn done(context: &Context, changed: &Changed, output: Output) -> Result<(), Trouble> {
    let value =
        json!({ "release": changed.release, "changed": changed.entry.is_some(), "ledger_entry": changed.entry });
    let printed = output.print(&value, || describe(changed));
    // No function hears what a command does.
    notify::tell(context, "promote", &changed.event()).await;
    printed
}

pub(crate) fn describe(changed: &Changed) -> String {
    let release = &changed.release;
    if changed.entry.is_none() {
        return format!("version {} is the champion already", release.champion);
    }
    let before = release.previous.as_ref().map_or_else(|| "nothing".into(), ToString::to_string);
    format!("version {} is the champion now, after {before} (generation {})", release.champion, release.generation)
}
