//! A message as Slack's webhooks take it. Mattermost's take the same: they read `text`, and pass over `blocks`.

use serde_json::{Value, json};

use crate::message::{Message, clipped};

/// The most characters of a header, which is Slack's own bound, and of a section, whose bound is 3,000.
const HEADER: usize = 150;
const SECTION: usize = 2900;

/// The body of a request.
pub(super) fn body(message: &Message) -> Value {
    // First the bound, then the escapes, none of which is to be cut.
    let header = escaped(&clipped(&message.title, HEADER));
    json!({
        "text": escaped(&message.to_string()),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": header } },
            { "type": "section", "text": { "type": "mrkdwn", "text": section(message) } },
        ],
    })
}

/// As many lines as a section takes.
fn section(message: &Message) -> String {
    let mut text = String::new();
    for line in &message.lines {
        let line = escaped(line);
        if text.chars().count() + line.chars().count() > SECTION {
            return text + "…";
        }
        text += &line;
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// What Slack gives a meaning to, such as `<!channel>`, as plain text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
