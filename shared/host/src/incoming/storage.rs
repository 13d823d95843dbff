//! Objects that have been put into a bucket, as S3, MinIO and those who carry their notifications tell it.

use pappus_domain::event::{Data, ObjectCreated};
use pappus_domain::{Event, Timestamp};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::{refused, shaped};
use crate::disposition::Failure;

/// What S3 sends when notifications are set up.
pub(super) const TEST_EVENT: &str = "s3:TestEvent";

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_time: Option<Timestamp>,
    s3: Entity,
}

#[derive(Deserialize)]
pub(super) struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(alias = "eTag")]
    etag: Option<String>,
    #[serde(alias = "versionId", alias = "version-id")]
    version: Option<String>,
}

/// An S3 notification, or a MinIO webhook, which is one with more around it. Keys are form-encoded.
pub(super) fn notification(json: Value) -> Result<Vec<Result<Event, Failure>>, Failure> {
    let Notification { records } = shaped(json, "S3 notification")?;
    Ok(records.into_iter().map(event).collect())
}

fn event(record: Record) -> Result<Event, Failure> {
    let Record { event_name, event_time, mut s3 } = record;
    // MinIO begins the name with `s3:`.
    if !event_name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return Err(refused(format!("S3 events of kind `{event_name}` are not taken: `ObjectCreated:*` are")));
    }
    s3.object.key = form_decoded(&s3.object.key)?;
    created(s3, event_time)
}

/// The detail of S3's EventBridge events, and the data of its CloudEvents. Keys are plain.
pub(super) fn detail(detail: Value, time: Option<Timestamp>) -> Result<Event, Failure> {
    created(shaped(detail, "S3 event")?, time)
}

fn created(entity: Entity, time: Option<Timestamp>) -> Result<Event, Failure> {
    let Entity { bucket: Bucket { name }, object: Object { key, etag, version } } = entity;
    // Unversioned buckets have versions that are null, or empty, or called so.
    let version = version.filter(|version| !version.is_empty() && version != "null");
    let created = ObjectCreated { bucket: Some(name), key, version: version.or(etag) };
    Event::new("storage", &created, time.unwrap_or_else(Timestamp::now)).map_err(Failure::from_error)
}

fn form_decoded(key: &str) -> Result<String, Failure> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| refused(format!("the key `{key}` is not UTF-8 when decoded")))
}

/// A CloudEvent that tells of an object, with a notification or its innermost part as data.
pub(super) fn from_cloud_event(event: Event) -> Result<Event, Failure> {
    let Data::Json(json) = event.data else {
        return Err(refused(format!("the data of a CloudEvent of type `{}` is not JSON", event.kind)));
    };
    if json.get("Records").is_none() {
        let entity = json.get("s3").cloned().unwrap_or(json);
        return detail(entity, event.time);
    }
    let mut events = notification(json)?;
    match (events.pop(), events.is_empty()) {
        (Some(event), true) => event,
        _ => Err(refused("a CloudEvent tells of one object, this one of none or of several".into())),
    }
}
