//! Another version answers.

use pappus_domain::event::ReleaseChanged;
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use pappus_domain::verdict::Evaluation;

use super::{Message, share};

pub(super) fn message(
    changed: &ReleaseChanged,
    entry: Option<&LedgerEntry>,
    evaluation: Option<&Evaluation>,
) -> Message {
    let ReleaseChanged { model, champion, generation } = changed;
    let is_rollback = entry.is_some_and(|entry| entry.action == ReleaseAction::Rollback);
    let title = if is_rollback {
        format!("{model}: rolled back to version {champion}")
    } else {
        format!("{model}: version {champion} is released")
    };
    let mut lines = Vec::new();
    if let Some(LedgerEntry { actor, reason, at, .. }) = entry {
        lines.push(format!("by {actor} at {at:.0}: {reason}"));
    }
    let from = entry.and_then(|entry| entry.from.as_ref());
    let after = from.map_or_else(|| "after none".into(), |from| format!("after version {from}"));
    lines.push(match entry {
        Some(_) => format!("generation {generation}, {after}"),
        None => format!("generation {generation}"),
    });
    if let Some(Evaluation { report, data_set, .. }) = evaluation {
        let (accuracy, images) = (share(&report.accuracy), report.images);
        lines.push(format!("accuracy {accuracy} of {images} test images of data set {}", data_set.short(12)));
    }
    lines.push(match from {
        Some(from) => format!("next: `pappus rollback` makes version {from} answer again"),
        None => "next: `pappus status` says how it does".into(),
    });
    Message::new(title, lines)
}
