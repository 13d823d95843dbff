//! A verdict is in.

use pappus_domain::Release;
use pappus_domain::event::ModelEvaluated;
use pappus_domain::verdict::{Evaluation, Gate};

use super::{Message, share};

/// Whether an evaluation is the one that an event tells of.
pub(super) fn is_of(evaluation: &Evaluation, event: &ModelEvaluated) -> bool {
    evaluation.data_set == event.data_set && evaluation.verdict.passed == event.passed
}

pub(super) fn message(judged: &ModelEvaluated, evaluation: Option<&Evaluation>, release: Option<&Release>) -> Message {
    let ModelEvaluated { model, version, data_set, passed } = judged;
    let verdict = if *passed { "passed" } else { "did not pass" };
    let mut lines = evaluation.map(figures).unwrap_or_default();
    lines.push(format!("on data set {}", data_set.short(12)));
    lines.push(next(judged, release));
    Message::new(format!("{model}: version {version} {verdict} its evaluation"), lines)
}

fn figures(evaluation: &Evaluation) -> Vec<String> {
    let Evaluation { report, champion, champion_report, verdict, .. } = evaluation;
    let mut lines = vec![format!("accuracy {} of {} test images", share(&report.accuracy), report.images)];
    if let (Some(champion), Some(theirs)) = (champion, champion_report) {
        lines.push(format!("champion {champion}: accuracy {} of the same", share(&theirs.accuracy)));
    }
    let gate = |Gate { name, passed, figures }: &Gate| {
        format!("{} {name}: {figures}", if *passed { "passed" } else { "FAILED" })
    };
    lines.extend(verdict.gates.iter().map(gate));
    lines
}

fn next(judged: &ModelEvaluated, release: Option<&Release>) -> String {
    let version = &judged.version;
    match (judged.passed, release) {
        (true, Some(release)) if release.champion == *version => "next: nothing, it answers already".into(),
        (true, _) => format!(
            "next: it is released, unless the champion is another by now; by hand with `pappus promote {version}`"
        ),
        (false, release) => {
            let stays = release.map_or_else(
                || "nothing is released".into(),
                |release| format!("version {} goes on answering", release.champion),
            );
            format!(
                "next: {stays}; `pappus plots {version}` draws its mistakes, `pappus promote {version} --force` releases \
                 it all the same"
            )
        }
    }
}
