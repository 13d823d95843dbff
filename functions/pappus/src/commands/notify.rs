//! `pappus notify`, and word of what other commands did.

use pappus_domain::{Event, EventKind, Timestamp};
use pappus_host::{Context, Failure, Settings};
use pappus_notify::{Notify, Tried};
use serde_json::json;

use crate::output::Output;
use crate::session::unless_interrupted;
use crate::trouble::Trouble;

/// Sends a test message by every channel.
pub(crate) async fn test(settings: &Settings, output: Output) -> Result<(), Trouble> {
    if !settings.notify.is_set() {
        let what =
            "nobody is to be told: name a webhook in PAPPUS_NOTIFY_WEBHOOK, or a mail server in PAPPUS_NOTIFY_EMAIL";
        return Err(Trouble::Usage(what.into()));
    }
    let tried = unless_interrupted(async { Ok(Notify::test(settings).await?) }).await?;
    let (sent, failed): (Vec<_>, Vec<_>) = tried.into_iter().partition(|tried| tried.sent.is_ok());
    let sent: Vec<String> = sent.into_iter().map(|tried| tried.to).collect();
    let reasons: Vec<String> = failed.into_iter().filter_map(|Tried { sent, .. }| sent.err()).map(why).collect();
    if output.is_json() || !sent.is_empty() {
        let line = |to: &String| format!("{to} has taken a test message");
        output.print(&json!({ "sent": sent }), || sent.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    }
    if reasons.is_empty() { Ok(()) } else { Err(Trouble::Found(reasons.join("; "))) }
}

fn why(error: pappus_notify::Error) -> String {
    Failure::from(error).to_string()
}

/// Tells people of what a command did. It is done all the same where they cannot be told, which is tried once.
pub(crate) async fn tell(context: &Context, function: &str, what: &impl EventKind) {
    let told = async {
        let event = Event::new(function, what, Timestamp::now()).map_err(Failure::from_error)?;
        Ok(Notify::new(context.clone())?.tell(&event).await?)
    };
    if let Err(trouble) = unless_interrupted(told).await {
        tracing::warn!(error = %trouble, "people were not told");
    }
}
