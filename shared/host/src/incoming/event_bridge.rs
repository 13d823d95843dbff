//! Events of Amazon EventBridge.

use pappus_domain::{Event, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{refused, schedule, shaped, storage};
use crate::disposition::Failure;

#[derive(Deserialize)]
struct Envelope {
    id: Option<String>,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: Option<Timestamp>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail: Value,
}

/// What an event of EventBridge says. Our own come as we sent them: the whole CloudEvent is the detail.
pub(super) fn read(json: Value) -> Result<Event, Failure> {
    let Envelope { id, source, detail_type, time, resources, detail } = shaped(json, "EventBridge event")?;
    match (source.as_str(), detail_type.as_str()) {
        ("aws.s3", "Object Created") => storage::detail(detail, time),
        ("aws.events" | "aws.scheduler", "Scheduled Event") => {
            let rule = resources.first().and_then(|resource| resource.rsplit('/').next());
            schedule::came(rule.unwrap_or("schedule"), time.unwrap_or_else(Timestamp::now), id)
        }
        _ if detail.get("specversion").is_some() => super::cloud_event::from_json(detail),
        _ => {
            let what = format!("`{detail_type}` of `{source}` is no EventBridge event that is known here");
            Err(refused(what))
        }
    }
}
