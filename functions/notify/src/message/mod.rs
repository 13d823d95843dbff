//! What people are told: a title, and lines with the figures behind it. Made of events and of what the catalog says of
//! them, by functions that ask nobody.

mod failed;
mod judged;
mod released;

use std::fmt;

use pappus_domain::Event;
use pappus_domain::event::{ModelEvaluated, ReleaseChanged, TrainingFailed};
use pappus_domain::stats::Proportion;
use pappus_host::Context;

use crate::error::Error;

/// The most characters of one line: reasons come from anywhere, and channels have bounds.
const LINE: usize = 500;

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What happened, to which model.
    pub title: String,
    /// The particulars, a line each; the last says what comes next.
    pub lines: Vec<String>,
}

impl Message {
    fn new(title: String, lines: impl IntoIterator<Item = String>) -> Self {
        Self { title, lines: lines.into_iter().map(|line| one_line(&line)).collect() }
    }

    /// What is sent to see whether anything arrives.
    pub fn test(model: &str) -> Self {
        let line = "this is how failed trainings, verdicts and releases are told; nothing has happened".into();
        Self::new(format!("{model}: a test message"), [line])
    }

    /// What an event of this process's model comes to, with what the catalog says of it; nothing where there is nothing to
    /// tell.
    ///
    /// # Errors
    /// [`Error::Event`], [`Error::Catalog`].
    pub async fn of(event: &Event, context: &Context) -> Result<Option<Self>, Error> {
        let (catalog, model) = (&context.catalog, &context.settings.model);
        if let Some(failed) = event.read::<TrainingFailed>()?.filter(|failed| failed.model == *model) {
            let run = catalog.run(&failed.run).await?;
            return Ok(Some(failed::message(&failed, run.as_ref(), catalog.release(model).await?.as_ref())));
        }
        if let Some(judged) = event.read::<ModelEvaluated>()?.filter(|judged| judged.model == *model) {
            let evaluation = catalog.evaluation(model, &judged.version).await?;
            // One that came later, on other images, has figures of its own.
            let is_of_event = |found: &_| judged::is_of(found, &judged);
            let release = catalog.release(model).await?;
            return Ok(Some(judged::message(&judged, evaluation.filter(is_of_event).as_ref(), release.as_ref())));
        }
        if let Some(changed) = event.read::<ReleaseChanged>()?.filter(|changed| changed.model == *model) {
            let ledger = catalog.ledger(model).await?;
            let entry = ledger.into_iter().find(|entry| entry.generation == changed.generation);
            let evaluation = catalog.evaluation(model, &changed.champion).await?;
            return Ok(Some(released::message(&changed, entry.as_ref(), evaluation.as_ref())));
        }
        Ok(None)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

/// A text on one line, and not at any length.
fn one_line(text: &str) -> String {
    let line =
        text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    clipped(&line, LINE)
}

/// At most so many characters of a text.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.into(),
    }
}

/// Such as `97.5 % (91.3 % to 99.3 %)`: a share with its 95 % interval.
fn share(share: &Proportion) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    format!("{} ({} to {})", percent(share.value), percent(share.low), percent(share.high))
}
