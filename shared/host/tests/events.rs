//! Events over HTTP: CloudEvents in both modes, and what is no event.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Kept, event, send};
use pappus_domain::Event;
use pappus_host::bus_routes;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Posts an event; the answer, and what was handed on.
async fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Value, Vec<Event>) {
    let kept = Arc::new(Kept::default());
    let request = headers.iter().fold(Request::post("/events"), |request, (name, value)| request.header(*name, *value));
    let (status, json) = send(bus_routes(kept.clone()), request.body(body.into()).unwrap()).await;
    let events = kept.0.lock().unwrap().clone();
    (status, json, events)
}

const BINARY: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "/test"), ("ce-type", "com.example.happened")];
const STRUCTURED: [(&str, &str); 1] = [("content-type", "application/cloudevents+json; charset=utf-8")];

#[tokio::test]
async fn an_event_in_headers_is_handed_on() {
    let more = [("ce-subject", "a/b"), ("ce-time", "2026-11-01T12:00:00Z"), ("content-type", "application/json")];
    let (status, _, events) = post(&[&BINARY[..], &more].concat(), r#"{"a":[1,null]}"#).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let expected = Event {
        subject: Some("a/b".into()),
        time: Some("2026-11-01T12:00:00Z".parse().unwrap()),
        ..event("com.example.happened")
    };
    assert_eq!(events, [expected]);
}

#[tokio::test]
async fn an_event_without_data_is_an_event() {
    let (status, _, events) = post(&BINARY, "").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(events, [Event { data: Value::Null, ..event("com.example.happened") }]);
}

#[tokio::test]
async fn an_event_in_a_body_is_handed_on() {
    let body = json!({
        "specversion": "1.0", "id": "7", "source": "/test", "type": "com.example.happened",
        "datacontenttype": "application/json", "extension": "passed over", "data": { "a": [1, null] },
    });
    let (status, _, events) = post(&STRUCTURED, body.to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(events, [event("com.example.happened")]);
}

#[tokio::test]
async fn what_is_no_event_is_refused_for_ever_with_the_reason() {
    let without = |name: &str| BINARY.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| [without(name), vec![(name, value)]].concat();
    let structured = STRUCTURED.to_vec();
    for (headers, body, says) in [
        (without("ce-id"), "{}", "`ce-id` of a CloudEvent is missing"),
        (without("ce-source"), "{}", "`ce-source` of a CloudEvent is missing"),
        (without("ce-type"), "{}", "`ce-type` of a CloudEvent is missing"),
        (with("ce-id", ""), "{}", "none of them empty"),
        (with("ce-time", "yesterday"), "{}", "`ce-time` is not a time"),
        (BINARY.to_vec(), "no JSON", "the event's data is not JSON"),
        (structured.clone(), "no JSON", "the body is not a CloudEvent"),
        (structured.clone(), "", "the body is not a CloudEvent"),
        (structured.clone(), r#"{"source":"/test","type":"t"}"#, "missing field `id`"),
        (structured.clone(), r#"{"id":"","source":"/test","type":"t"}"#, "none of them empty"),
        (structured, r#"{"id":7,"source":"/test","type":"t"}"#, "the body is not a CloudEvent"),
    ] {
        let (status, json, events) = post(&headers, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{headers:?} {body}");
        assert!(json["detail"].as_str().unwrap().contains(says), "{json}");
        assert_eq!(events, []);
    }
}

#[tokio::test]
async fn more_than_a_megabyte_is_too_large_for_an_event() {
    let (status, _, events) = post(&BINARY, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((status, events.len()), (StatusCode::PAYLOAD_TOO_LARGE, 0));
    let fits = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(post(&BINARY, fits).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn events_are_posted() {
    let request = Request::get("/events").body(Body::empty()).unwrap();
    let (status, _) = send(bus_routes(Arc::new(Kept::default())), request).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_an_event_or_refused(structured: bool, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let headers = if structured { &STRUCTURED[..] } else { &BINARY };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, _, events) = runtime.block_on(post(headers, body));
        prop_assert_eq!(status.as_u16(), if events.is_empty() { 400 } else { 202 });
    }

    #[test]
    fn an_event_is_read_as_it_was_written(id in "\\PC{1,9}", kind in "\\PC{1,9}", data in "\\PC{0,9}",
                                          subject in prop::option::of("\\PC{0,9}")) {
        let written = Event { id, subject, data: data.into(), ..event(&kind) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = serde_json::to_vec(&written).unwrap();
        let (_, _, events) = runtime.block_on(post(&STRUCTURED, body));
        prop_assert_eq!(events, [written]);
    }
}
