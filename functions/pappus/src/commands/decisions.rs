//! `pappus decisions`: whether to train, and why.

use pappus_domain::trigger::{Cause, DecisionRecord};
use pappus_host::Context;

use crate::output::Output;
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, limit: usize, output: Output) -> Result<(), Trouble> {
    let decisions = context.catalog.decisions(&context.settings.model, limit).await?;
    output.print(&decisions, || {
        if decisions.is_empty() {
            return "nothing has been decided yet: `pappus up` decides when images or feedback come".into();
        }
        decisions.iter().map(decided).collect::<Vec<_>>().join("\n")
    })
}

pub(crate) fn decided(record: &DecisionRecord) -> String {
    let DecisionRecord { at, cause, decision, run, .. } = record;
    let answer = run.map_or_else(String::new, |run| format!("run {run}: "));
    format!("  {at:.0}  {answer}{decision} (asked by {})", asked(cause))
}

fn asked(cause: &Cause) -> String {
    match cause {
        Cause::Change => "new images".into(),
        Cause::Feedback => "feedback".into(),
        Cause::Schedule => "the schedule".into(),
        Cause::Alert { name } => format!("alert {name}"),
        Cause::Operator { .. } => "an operator".into(),
    }
}
