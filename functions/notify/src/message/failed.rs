//! A training failed.

use pappus_domain::event::TrainingFailed;
use pappus_domain::{Release, Run};

use super::Message;

pub(super) fn message(failed: &TrainingFailed, run: Option<&Run>, release: Option<&Release>) -> Message {
    let TrainingFailed { model, run: id, message } = failed;
    let asked = run.map_or_else(
        || format!("run {id}"),
        |run| format!("run {id}, asked for {:.0}: {}", run.requested_at, run.request.reason),
    );
    let stays = release.map_or_else(
        || "nothing is released yet".into(),
        |release| format!("version {} goes on answering", release.champion),
    );
    let next = "next: `pappus runs` lists the trainings; with the reason mended, `pappus train` tries again";
    Message::new(format!("{model}: a training failed"), [message.clone(), asked, stays, next.into()])
}
