//! `pappus runs --follow`: the training under way, as it goes on, wherever it runs.

use std::time::Duration;

use indicatif::ProgressBar;
use pappus_domain::run::Progress;
use pappus_domain::{Run, RunId, RunStatus};
use pappus_host::Context;
use tokio::time::sleep;

use super::runs::outcome;
use crate::output::{Output, percent};
use crate::progress::{bar, counter};
use crate::session::unless_interrupted;
use crate::trouble::Trouble;

/// How often the run's row is read: as often as a training writes it.
const LOOK: Duration = Duration::from_secs(1);

/// Follows a run to its end, or else the last one. Whether it succeeded is the exit code.
pub(crate) async fn run(context: &Context, id: Option<RunId>, output: Output) -> Result<(), Trouble> {
    let ended = unless_interrupted(follow(context, id, output)).await?;
    let RunStatus::Failed { message } = &ended.status else {
        return output.print(&ended, || format!("run {} {}", ended.request.run, describe(&ended)));
    };
    let message = format!("run {} failed: {message}", ended.request.run);
    if output.is_json() {
        output.print(&ended, String::new)?;
    }
    Err(Trouble::Found(message))
}

async fn follow(context: &Context, id: Option<RunId>, output: Output) -> Result<Run, Trouble> {
    let id = match id {
        Some(id) => id,
        None => last(context).await?,
    };
    let mut shown = Shown { output, stage: None, bar: ProgressBar::hidden() };
    loop {
        let none = || Trouble::Usage(format!("there is no run {id}: `pappus runs` lists those there are"));
        let run = context.catalog.run(&id).await?.ok_or_else(none)?;
        if run.status.is_over() {
            shown.bar.finish_and_clear();
            return Ok(run);
        }
        shown.show(&run);
        sleep(LOOK).await;
    }
}

async fn last(context: &Context) -> Result<RunId, Trouble> {
    let last = context.catalog.runs(&context.settings.model, 1).await?.pop();
    last.map(|run| run.request.run)
        .ok_or_else(|| Trouble::Found("there is no run yet: `pappus train` makes one".into()))
}

/// What is on the screen: a bar, or a line where nothing can be counted.
struct Shown {
    output: Output,
    stage: Option<String>,
    bar: ProgressBar,
}

impl Shown {
    fn show(&mut self, run: &Run) {
        let progress = match &run.status {
            RunStatus::Running { progress: Some(progress) } => progress.clone(),
            RunStatus::Running { progress: None } => Progress { stage: "begun".into(), ..Progress::default() },
            _ => Progress { stage: "asked for, not begun".into(), ..Progress::default() },
        };
        if self.stage.as_ref() != Some(&progress.stage) {
            self.bar.finish_and_clear();
            // Where nobody watches a bar, each stage is a line.
            if self.bar.is_hidden() {
                let _ = self.output.say(format!("{}{}", progress.stage, figures(&progress)));
            }
            self.bar = match progress.total {
                Some(total) => bar(self.output, &progress.stage, total),
                None => counter(self.output, &progress.stage),
            };
            self.stage = Some(progress.stage.clone());
        }
        self.bar.set_position(progress.done.unwrap_or_default());
        self.bar.tick();
    }
}

/// What was found so far.
pub(crate) fn figures(progress: &Progress) -> String {
    let count = match (progress.done, progress.total) {
        (Some(done), Some(total)) => format!(" {done}/{total}"),
        _ => String::new(),
    };
    let left = progress.eta_seconds.map(|seconds| format!(", {seconds} s left")).unwrap_or_default();
    let accuracy = progress.accuracy.map(|accuracy| format!(", last candidate {}", percent(accuracy)));
    let loss = progress.loss.map(|loss| format!(" (loss {loss:.3})")).unwrap_or_default();
    format!("{count}{left}{}{loss}", accuracy.unwrap_or_default())
}

fn describe(run: &Run) -> String {
    format!("{}: {}", run.status.as_str(), outcome(&run.status))
}
