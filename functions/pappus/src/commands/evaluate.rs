//! `pappus evaluate`.

use pappus_domain::ModelVersion;
use pappus_domain::verdict::Evaluation;
use pappus_evaluate::Evaluate;
use pappus_host::Context;
use serde::Serialize;

use super::plots;
use crate::output::{Output, interval, percent, table};
use crate::progress::bar;
use crate::session::{unless_interrupted, version};
use crate::shell::program;
use crate::trouble::Trouble;

/// What machines are told.
#[derive(Serialize)]
struct Told<'e> {
    #[serde(flatten)]
    evaluation: &'e Evaluation,
    plots: plots::Folders,
}

pub(crate) async fn run(context: &Context, prefix: &str, output: Output) -> Result<(), Trouble> {
    let version = version(context, prefix).await?;
    let evaluation = evaluate(context, &version, output).await?;
    let line = plots::line(context, &evaluation).await;
    let plots = plots::Folders::new(&evaluation.model, &version, Some(&evaluation));
    let told = Told { evaluation: &evaluation, plots };
    output.print(&told, || format!("{}\n{line}", describe(&evaluation)))?;
    if evaluation.verdict.passed {
        return output.say(format!("next: {} promote {version}", program()));
    }
    Err(Trouble::Found(format!("version {version} did not pass")))
}

pub(crate) async fn evaluate(context: &Context, version: &ModelVersion, output: Output) -> Result<Evaluation, Trouble> {
    let judging = bar(output, "evaluating", 0);
    let evaluate = Evaluate::new(context.clone());
    let evaluation = unless_interrupted(async {
        let progress = |done, total| {
            judging.set_length(total);
            judging.set_position(done);
        };
        Ok(evaluate.version(version, progress).await?)
    });
    let evaluation = evaluation.await;
    judging.finish_and_clear();
    evaluation
}

pub(crate) fn describe(evaluation: &Evaluation) -> String {
    let Evaluation { version, report, champion, champion_report, verdict, .. } = evaluation;
    let mut lines = vec![format!("version {version}: accuracy {}", interval(&report.accuracy))];
    if let (Some(champion), Some(theirs)) = (champion, champion_report) {
        lines.push(format!("champion {champion}: accuracy {}", interval(&theirs.accuracy)));
    }
    let classes = report.classes.iter().map(|class| {
        [
            format!("  {}", class.label),
            percent(class.precision.value),
            percent(class.recall.value),
            percent(class.f1),
            class.support.to_string(),
        ]
    });
    lines.push(table(["  class", "precision", "recall", "f1", "images"], classes));
    lines.extend(
        verdict
            .gates
            .iter()
            .map(|gate| format!("  {} {}: {}", if gate.passed { "passed" } else { "FAILED" }, gate.name, gate.figures)),
    );
    lines.push(format!("verdict: {}", if verdict.passed { "passed" } else { "FAILED" }));
    lines.join("\n")
}
