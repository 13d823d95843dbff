//! `pappus track`.

use pappus_host::{Context, Failure};
use pappus_tracking::Round;
use serde_json::json;

use super::status::tracking;
use crate::cli;
use crate::output::Output;
use crate::session::unless_interrupted;
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, options: cli::Track, output: Output) -> Result<(), Trouble> {
    if context.settings.tracking.is_none() {
        let what = "nobody is to be told: name an MLflow server in PAPPUS_TRACKING, such as http://127.0.0.1:5000";
        return Err(Trouble::Usage(what.into()));
    }
    if options.again {
        context.tracking.put_back().await.map_err(Failure::from_error)?;
    }
    let told = match unless_interrupted(async { Ok(context.tracking.send().await) }).await? {
        Some(Round::Done { told }) => told,
        Some(Round::Unfinished { trouble, .. }) => return Err(Trouble::Failed(Failure::from_error(trouble))),
        Some(_) | None => {
            return Err(Trouble::Found("another process is telling it now: `pappus status` says what waits".into()));
        }
    };
    let report = context.tracking.report().await.map_err(Failure::from_error)?;
    output.print(&json!({ "told": told, "tracking": report }), || format!("told {told}; {}", tracking(&report)))
}
