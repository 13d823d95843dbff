//! CloudEvents 1.0, read in every mode. Those in which others tell what we have kinds of our own for become these.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use pappus_domain::event::{Data, is_json};
use pappus_domain::{Event, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{refused, schedule, shaped, storage};
use crate::disposition::Failure;

/// An event whose attributes are headers and whose data is the body.
pub(super) fn binary(headers: &HeaderMap, body: &[u8]) -> Result<Event, Failure> {
    let content_type = text(headers, header::CONTENT_TYPE.as_str())?;
    from_attributes(|name| text(headers, &format!("ce-{name}")), "the header `ce-", content_type, body)
}

/// An event whose attributes come one by one; `place` begins the name of where they are looked for.
pub(super) fn from_attributes<'a>(
    get: impl Fn(&str) -> Result<Option<Cow<'a, str>>, Failure>,
    place: &str,
    content_type: Option<Cow<'_, str>>,
    body: &[u8],
) -> Result<Event, Failure> {
    let wanted = |name: &str| -> Result<String, Failure> {
        let found = get(name)?.map(Cow::into_owned);
        found.ok_or_else(|| refused(format!("{place}{name}` of a CloudEvent is missing")))
    };
    let version = wanted("specversion")?;
    if version != Event::SPECVERSION {
        return Err(refused(format!("{place}specversion` is `{version}`: 1.0 is read")));
    }
    let time = get("time")?.map(|time| time.parse::<Timestamp>()).transpose();
    let event = Event {
        id: wanted("id")?,
        source: wanted("source")?,
        kind: wanted("type")?,
        subject: get("subject")?.map(Cow::into_owned),
        time: time.map_err(|error| refused(format!("{place}time` is not a time: {error}")))?,
        data: data(content_type, body)?,
    };
    let event = event.checked().map_err(|error| refused(format!("this is not a CloudEvent: {error}")))?;
    ours(event)
}

/// An event in our own terms, where it tells what we have a kind for.
fn ours(event: Event) -> Result<Event, Failure> {
    match event.kind.as_str() {
        kind if kind.starts_with("com.amazonaws.s3.ObjectCreated:") => storage::from_cloud_event(event),
        "dev.knative.eventing.aws-s3" => storage::from_cloud_event(event),
        "dev.knative.sources.ping" => schedule::from_ping(&event),
        _ => Ok(event),
    }
}

fn data(content_type: Option<Cow<'_, str>>, body: &[u8]) -> Result<Data, Failure> {
    match content_type {
        Some(content_type) if is_json(&content_type) && !body.is_empty() => {
            let json = serde_json::from_slice(body);
            Ok(Data::Json(json.map_err(|error| refused(format!("the event's data is not JSON: {error}")))?))
        }
        content_type => Ok(Data::from_bytes(content_type.map(Cow::into_owned), body.to_vec())),
    }
}

/// A header's value, its percent-encoding undone, as the HTTP binding of CloudEvents wants it.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let decoded = value.to_str().ok().and_then(|value| percent_decode_str(value).decode_utf8().ok());
    decoded.map(Some).ok_or_else(|| refused(format!("the header `{name}` is not text")))
}

/// An event that is the whole body.
pub(super) fn structured(body: &[u8]) -> Result<Event, Failure> {
    ours(serde_json::from_slice(body).map_err(|error| refused(format!("the body is not a CloudEvent: {error}")))?)
}

/// Several events that are the whole body.
pub(super) fn batch(body: &[u8]) -> Result<Vec<Result<Event, Failure>>, Failure> {
    let json = serde_json::from_slice(body);
    batch_from_json(json.map_err(|error| refused(format!("the body is not a batch of CloudEvents: {error}")))?)
}

/// An event that has been read as JSON already.
pub(super) fn from_json(json: Value) -> Result<Event, Failure> {
    ours(shaped(json, "CloudEvent")?)
}

/// Several of them.
pub(super) fn batch_from_json(json: Value) -> Result<Vec<Result<Event, Failure>>, Failure> {
    let events: Vec<Value> = shaped(json, "batch of CloudEvents")?;
    Ok(events.into_iter().map(from_json).collect())
}
