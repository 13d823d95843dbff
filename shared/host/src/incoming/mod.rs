//! Whatever triggers a function, as events.
//!
//! | what comes | recognised by | becomes |
//! |---|---|---|
//! | CloudEvent, binary | header `ce-id` (or another of `ce-…`) | the event |
//! | CloudEvent, structured; a batch | `application/cloudevents+json`, `…-batch+json`; `specversion` in the JSON | the event; each of them |
//! | S3 notification, MinIO webhook | `Records[].eventSource` `aws:s3`, `minio:s3` | `io.pappus.object.created` each |
//! | EventBridge | `detail-type` and `source` | by what its detail is: object, schedule, one of our own |
//! | SQS | `Records[].eventSource` `aws:sqs` | what each body is; each message succeeds or fails on its own |
//! | Kafka | `records` by topic, `eventSource` `aws:kafka`, `SelfManagedKafka` | a CloudEvent each; a poisoned one is passed over |
//! | Alertmanager webhook | `alerts` and `groupKey` | `io.pappus.alert` each |
//!
//! Both hosts read through here, so that a trigger means the same on each.

mod alerts;
mod cloud_event;
mod event_bridge;
mod kafka;
mod queue;
mod schedule;
mod storage;

use axum::http::{HeaderMap, header};
use pappus_domain::Event;
use pappus_domain::event::Data;
use serde_json::Value;

use crate::disposition::{Disposition, Failure};

/// What one request or invocation brings.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Events that are done when all are done, and those among them that cannot be read.
    Events(Vec<Result<Event, Failure>>),
    /// Messages of a queue, each done on its own.
    Queue(Vec<Message>),
    /// Records of a log, in their order: what cannot be read must not stand in the way of what follows.
    Log(Vec<Result<Event, Failure>>),
}

impl Incoming {
    /// Whether it brings something that is no JSON: an image, to be classified.
    pub(crate) fn brings_bytes(&self) -> bool {
        let is_bytes = |event: &Result<Event, Failure>| matches!(event, Ok(Event { data: Data::Bytes { .. }, .. }));
        match self {
            Self::Events(events) | Self::Log(events) => events.iter().any(is_bytes),
            Self::Queue(messages) => {
                messages.iter().filter_map(|message| message.events.as_ref().ok()).flatten().any(is_bytes)
            }
        }
    }
}

/// A message of a queue.
#[derive(Debug)]
pub(crate) struct Message {
    /// By which the queue knows it.
    pub(crate) id: String,
    /// What it holds.
    pub(crate) events: Result<Vec<Result<Event, Failure>>, Failure>,
}

/// Reads what an HTTP request brings.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Incoming, Failure> {
    if headers.keys().any(|name| name.as_str().starts_with("ce-")) {
        return Ok(Incoming::Events(vec![cloud_event::binary(headers, body)]));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.starts_with("application/cloudevents-batch+json") {
        return Ok(Incoming::Events(cloud_event::batch(body)?));
    }
    if media_type.starts_with("application/cloudevents+json") {
        return Ok(Incoming::Events(vec![cloud_event::structured(body)]));
    }
    let json = serde_json::from_slice(body).map_err(|error| {
        let what = if media_type.is_empty() { "of no content type" } else { media_type };
        refused(format!("the body, {what}, is neither a CloudEvent nor JSON: {error}"))
    })?;
    read_json(json)
}

/// Reads what a JSON document says by itself.
pub(crate) fn read_json(json: Value) -> Result<Incoming, Failure> {
    let has = |name: &str| json.get(name).is_some();
    if has("specversion") {
        return Ok(Incoming::Events(vec![cloud_event::from_json(json)]));
    }
    if json.get(0).is_some_and(|first| first.get("specversion").is_some()) {
        return cloud_event::batch_from_json(json).map(Incoming::Events);
    }
    if has("detail-type") && has("source") {
        return Ok(Incoming::Events(vec![event_bridge::read(json)]));
    }
    if has("alerts") && has("groupKey") {
        return alerts::read(json).map(Incoming::Events);
    }
    if json.get("Event").and_then(Value::as_str) == Some(storage::TEST_EVENT) {
        return Ok(Incoming::Events(Vec::new()));
    }
    if json.get("records").is_some_and(Value::is_object) {
        return kafka::read(json).map(Incoming::Log);
    }
    let source = json.pointer("/Records/0/eventSource").and_then(Value::as_str);
    match source {
        Some("aws:s3" | "minio:s3") => storage::notification(json).map(Incoming::Events),
        Some("aws:sqs") => queue::read(json).map(Incoming::Queue),
        Some(other) => Err(refused(format!("records of event source `{other}` are not read: S3, MinIO and SQS are"))),
        None => Err(unknown(&json)),
    }
}

/// Reads what holds events and nothing that is done piece by piece.
fn read_events(json: Value) -> Result<Vec<Result<Event, Failure>>, Failure> {
    match read_json(json)? {
        Incoming::Events(events) => Ok(events),
        Incoming::Queue(_) | Incoming::Log(_) => Err(refused("a queue or a log within another is not read".into())),
    }
}

/// The most characters of what was seen that are said again.
const SEEN: usize = 200;

fn unknown(json: &Value) -> Failure {
    let seen = match json {
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("an object with the fields {names:?}")
        }
        Value::Array(items) => format!("an array of {}", items.len()),
        other => format!("{other}"),
    };
    let seen: String = seen.chars().take(SEEN).collect();
    refused(format!("this is no event that is known here: {seen}"))
}

fn refused(what: String) -> Failure {
    Failure::new(Disposition::Refused, what)
}

/// Reads a document of a known shape, or says which shape it was to have.
fn shaped<T: serde::de::DeserializeOwned>(json: Value, what: &str) -> Result<T, Failure> {
    serde_json::from_value(json).map_err(|error| refused(format!("this is no {what}: {error}")))
}
