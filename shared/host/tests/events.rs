//! Events over HTTP: CloudEvents in every mode, and what is no event.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Kept, UNTAKEN, context, event, function, send};
use pappus_domain::Event;
use pappus_domain::event::Data;
use pappus_host::{Disposition, Failure, Hosted, Outlet};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Posts an event to a function; the answer, and what the function was given.
async fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Value, Vec<Event>) {
    let given = Arc::new(Mutex::new(Vec::new()));
    let giving = given.clone();
    let app = function(move |event| {
        giving.lock().unwrap().push(event);
        Ok(Vec::new())
    });
    let (context, _home) = context().await;
    let request = headers.iter().fold(Request::post("/events"), |request, (name, value)| request.header(*name, *value));
    let router = Hosted::new(app, context, Outlet::Answered).router();
    let (status, json) = send(router, request.body(body.into()).unwrap()).await;
    let events = given.lock().unwrap().clone();
    (status, json, events)
}

const BINARY: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "/test"), ("ce-type", "com.example.happened")];
const STRUCTURED: [(&str, &str); 1] = [("content-type", "application/cloudevents+json; charset=utf-8")];
const BATCH: [(&str, &str); 1] = [("content-type", "application/cloudevents-batch+json")];

#[tokio::test]
async fn an_event_in_headers_is_taken() {
    let more =
        [("ce-subject", "l%C3%B6we%20%25"), ("ce-time", "2026-11-01T12:00:00Z"), ("content-type", "application/json")];
    let (status, _, events) = post(&[&BINARY[..], &more].concat(), r#"{"a":[1,null]}"#).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let expected = Event {
        subject: Some("löwe %".into()),
        time: Some("2026-11-01T12:00:00Z".parse().unwrap()),
        ..event("com.example.happened")
    };
    assert_eq!(events, [expected]);
}

#[tokio::test]
async fn an_event_without_data_is_an_event() {
    let (status, _, events) = post(&BINARY, "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(events, [Event { data: Value::Null.into(), ..event("com.example.happened") }]);
}

#[tokio::test]
async fn bytes_are_data_too() {
    let bytes = vec![0xff, 0xd8, 0xff];
    let of = |content_type: Option<&str>| Event {
        data: Data::Bytes { content_type: content_type.map(Into::into), bytes: bytes.clone() },
        ..event("com.example.happened")
    };
    let typed = [&BINARY[..], &[("content-type", "image/jpeg")]].concat();
    assert_eq!(post(&typed, bytes.clone()).await.2, [of(Some("image/jpeg"))]);
    assert_eq!(post(&BINARY, bytes.clone()).await.2, [of(None)], "as Knative's Kafka source sends it");
    let body = serde_json::to_string(&of(Some("image/jpeg"))).unwrap();
    assert!(body.contains(r#""data_base64":"/9j/""#), "{body}");
    assert_eq!(post(&STRUCTURED, body).await.2, [of(Some("image/jpeg"))]);
}

#[tokio::test]
async fn an_event_in_a_body_is_taken() {
    let body = json!({
        "specversion": "1.0", "id": "7", "source": "/test", "type": "com.example.happened",
        "datacontenttype": "application/json", "extension": "passed over", "data": { "a": [1, null] },
    });
    for headers in [&STRUCTURED[..], &[("content-type", "application/json")], &[]] {
        let (status, _, events) = post(headers, body.to_string()).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(events, [event("com.example.happened")]);
    }
}

#[tokio::test]
async fn a_batch_is_taken_one_by_one() {
    let two = [event("a"), event("b")];
    let (status, _, events) = post(&BATCH, serde_json::to_string(&two).unwrap()).await;
    assert_eq!((status, events.as_slice()), (StatusCode::NO_CONTENT, &two[..]));
    assert_eq!(post(&BATCH, "[]").await.0, StatusCode::NO_CONTENT);
    assert_eq!(post(&BATCH, "{}").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_no_event_is_refused_for_ever_with_the_reason() {
    let without = |name: &str| BINARY.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| [without(name), vec![(name, value)]].concat();
    let structured = STRUCTURED.to_vec();
    let json = ("content-type", "application/json");
    for (headers, body, says) in [
        (without("ce-id"), "{}", "`ce-id` of a CloudEvent is missing"),
        (without("ce-source"), "{}", "`ce-source` of a CloudEvent is missing"),
        (without("ce-type"), "{}", "`ce-type` of a CloudEvent is missing"),
        (without("ce-specversion"), "{}", "`ce-specversion` of a CloudEvent is missing"),
        (with("ce-specversion", "0.3"), "{}", "`ce-specversion` is `0.3`: 1.0 is read"),
        (with("ce-id", ""), "{}", "the attribute `id` is empty"),
        (with("ce-time", "yesterday"), "{}", "`ce-time` is not a time"),
        (with("ce-subject", "%ff"), "{}", "`ce-subject` is not text"),
        (with("ce-type", UNTAKEN), "{}", "events of type `com.example.untaken` are not taken here: `any but one` are"),
        ([&BINARY[..], &[json]].concat(), "no JSON", "the event's data is not JSON"),
        (structured.clone(), "no JSON", "the body is not a CloudEvent"),
        (structured.clone(), "", "the body is not a CloudEvent"),
        (structured.clone(), r#"{"source":"/test","type":"t"}"#, "missing field"),
        (structured.clone(), r#"{"specversion":"1.0","source":"/test","type":"t"}"#, "missing field `id`"),
        (structured.clone(), r#"{"specversion":"1.0","id":"","source":"/test","type":"t"}"#, "`id` is empty"),
        (
            structured.clone(),
            r#"{"specversion":"1.0","id":7,"source":"/test","type":"t"}"#,
            "the body is not a CloudEvent",
        ),
        (structured, r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","data_base64":"?"}"#, "not base64"),
        (vec![], "no JSON", "of no content type, is neither a CloudEvent nor JSON"),
        (vec![json], r#"{"hello":"world"}"#, r#"an object with the fields ["hello"]"#),
        (vec![json], "[1,2]", "an array of 2"),
        (vec![json], r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#, "event source `aws:dynamodb`"),
    ] {
        let (status, json, events) = post(&headers, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{headers:?} {body}");
        assert!(json["detail"].as_str().unwrap().contains(says), "{json}");
        assert_eq!(events, []);
    }
}

#[tokio::test]
async fn more_than_a_megabyte_is_too_large_for_an_event() {
    let (status, json, events) = post(&BINARY, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((status, events.len()), (StatusCode::PAYLOAD_TOO_LARGE, 0));
    assert_eq!(json["detail"], "the event is larger than the 1048576 bytes allowed");
    let fits = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(post(&BINARY, fits).await.0, StatusCode::NO_CONTENT);
}

/// What a function answers that does with an event what it is given to do, and what it publishes.
async fn ask(
    publish: bool,
    request: Request<Body>,
    doing: impl Fn(Event) -> Result<Vec<Event>, Failure> + Send + Sync + 'static,
) -> (StatusCode, Value, Vec<Event>) {
    let kept = Arc::new(Kept::default());
    let outlet = if publish { Outlet::Published(kept.clone()) } else { Outlet::Answered };
    let (context, _home) = context().await;
    let (status, json) = send(Hosted::new(function(doing), context, outlet).router(), request).await;
    let published = kept.0.lock().unwrap().clone();
    (status, json, published)
}

fn request(path: &str, kind: &str) -> Request<Body> {
    let headers = BINARY.into_iter().filter(|(name, _)| *name != "ce-type").chain([("ce-type", kind)]);
    headers.fold(Request::post(path), |request, (name, value)| request.header(name, value)).body("{}".into()).unwrap()
}

#[tokio::test]
async fn what_follows_is_published_or_is_the_answer() {
    let two = |_| Ok(vec![event("b"), event("c")]);
    let (status, _, published) = ask(true, request("/events", "a"), two).await;
    assert_eq!((status, published.len()), (StatusCode::NO_CONTENT, 2));
    let (status, json, published) = ask(false, request("/", "a"), two).await;
    assert_eq!((status, published.len()), (StatusCode::OK, 0));
    assert_eq!(json, serde_json::to_value([event("b"), event("c")]).unwrap());
    let (_, json, _) = ask(false, request("/", "a"), |_| Ok(vec![event("b")])).await;
    assert_eq!(json, serde_json::to_value(event("b")).unwrap());
}

#[tokio::test]
async fn a_status_says_whether_the_broker_is_to_send_it_again() {
    use Disposition::{Absent, Conflict, Fault, Overloaded, Refused, TooLarge, Unavailable, WrongType};
    let statuses = [(Refused, 400), (Absent, 400), (TooLarge, 413), (WrongType, 415)];
    let again = [(Conflict, 409), (Overloaded, 429), (Fault, 500), (Unavailable, 503)];
    for (disposition, expected) in statuses.into_iter().chain(again) {
        let failing = move |_| Err(Failure::new(disposition, "no"));
        let (status, json, _) = ask(true, request("/events", "a"), failing).await;
        assert_eq!((status.as_u16(), &json["detail"]), (expected, &json!("no")));
    }
}

#[tokio::test]
async fn a_batch_of_which_one_fails_is_to_come_again_if_that_may_help() {
    let failing = |event: Event| match event.kind.as_str() {
        "poison" => Err(Failure::new(Disposition::Refused, "poison")),
        "later" => Err(Failure::new(Disposition::Unavailable, "later")),
        _ => Ok(vec![event]),
    };
    for (kinds, expected, done) in [
        (&["poison", "later", "good"][..], 503, 1),
        (&["good", "poison", "good"], 400, 2),
        (&["later", "poison"], 503, 0),
    ] {
        let batch = serde_json::to_string(&kinds.iter().map(|kind| event(kind)).collect::<Vec<_>>()).unwrap();
        let request = Request::post("/events").header(BATCH[0].0, BATCH[0].1).body(batch.into()).unwrap();
        let (status, _, published) = ask(true, request, failing).await;
        assert_eq!((status.as_u16(), published.len()), (expected, done), "{kinds:?}");
    }
}

#[tokio::test]
async fn one_of_a_batch_that_cannot_be_read_keeps_no_other_from_being_done() {
    let good = serde_json::to_value(event("good")).unwrap();
    let batch = json!([{ "specversion": "1.0", "source": "/without/an/id", "type": "t" }, good]).to_string();
    let request = || Request::post("/events").header(BATCH[0].0, BATCH[0].1).body(batch.clone().into()).unwrap();
    let follow = |event| Ok(vec![event]);
    let (status, _, published) = ask(true, request(), follow).await;
    assert_eq!((status, published.len()), (StatusCode::BAD_REQUEST, 1), "the broker is told");
    let (status, json, _) = ask(false, request(), follow).await;
    assert_eq!((status, &json["type"]), (StatusCode::OK, &json!("good")), "what was done is not lost with the answer");
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request() {
    use tower::ServiceExt as _;
    let (context, _home) = context().await;
    let router = Hosted::new(function(|_| Ok(Vec::new())), context, Outlet::Answered).router();
    let long = "x".repeat(129);
    for (given, kept) in [(None, false), (Some("mine"), true), (Some(""), false), (Some(&*long), false)] {
        let request =
            given.into_iter().fold(Request::get("/nowhere"), |request, id| request.header("x-request-id", id));
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(given == Some(id), kept, "{id}");
        assert!(kept || id.len() == 36, "{id}");
    }
}

#[tokio::test]
async fn events_are_posted_and_a_probe_is_answered() {
    let nothing = |_| Ok(Vec::new());
    let to = |method: &str, path: &str| Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    assert_eq!(ask(true, to("GET", "/events"), nothing).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(true, to("HEAD", "/events"), nothing).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(true, to("GET", "/health/ready"), nothing).await.0, StatusCode::OK);
    assert_eq!(ask(true, to("GET", "/health/live"), nothing).await.0, StatusCode::OK);
    assert_eq!(ask(true, to("GET", "/metrics"), nothing).await.0, StatusCode::OK);
    assert_eq!(ask(true, to("POST", "/nowhere"), nothing).await.0, StatusCode::NOT_FOUND);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_an_event_or_refused(structured: bool, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let headers = if structured { &STRUCTURED[..] } else { &BINARY };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, _, events) = runtime.block_on(post(headers, body));
        prop_assert_eq!(status.as_u16(), if events.is_empty() { 400 } else { 204 });
    }

    #[test]
    fn an_event_is_read_as_it_was_written(id in "\\PC{1,9}", kind in "\\PC{1,9}", data in "\\PC{0,9}",
                                          subject in prop::option::of("\\PC{0,9}")) {
        let written = Event { id, subject, data: Value::from(data).into(), ..event(&kind) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = serde_json::to_vec(&written).unwrap();
        let (_, _, events) = runtime.block_on(post(&STRUCTURED, body));
        prop_assert_eq!(events, [written]);
    }
}
