//! Messages of Amazon SQS: each holds what could have come by itself.

use serde::Deserialize;
use serde_json::Value;

use super::{Message, read_events, refused, shaped};
use crate::disposition::Failure;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
}

pub(super) fn read(json: Value) -> Result<Vec<Message>, Failure> {
    let Batch { records } = shaped(json, "batch of SQS messages")?;
    let message = |Record { message_id, body }| {
        let json = serde_json::from_str(&body);
        let json = json.map_err(|error| refused(format!("message {message_id} is not JSON: {error}")));
        Message { events: json.and_then(read_events), id: message_id }
    };
    Ok(records.into_iter().map(message).collect())
}
