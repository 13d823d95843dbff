//! Every trigger as its source sends it, from the files in `tests/events`, to the event that it becomes.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use common::{context, file, function, send};
use pappus_domain::event::{AlertRaised, Data, ModelTrained, ObjectCreated, ScheduleCame};
use pappus_domain::{Event, EventKind};
use pappus_host::{Disposition, Failure, Hosted, Outlet};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Sends JSON to a function that fails on objects whose key has `fail` in it; the answer, and what it was given.
async fn deliver(json: &str) -> (StatusCode, Value, Vec<Event>) {
    let given = Arc::new(Mutex::new(Vec::new()));
    let giving = given.clone();
    let app = function(move |event| {
        let fails = event.subject.as_ref().is_some_and(|subject| subject.contains("fail"));
        giving.lock().unwrap().push(event);
        if fails { Err(Failure::new(Disposition::Unavailable, "the store is away")) } else { Ok(Vec::new()) }
    });
    let (context, _home) = context().await;
    let router = Hosted::new(app, context, Outlet::Answered).router();
    let request = Request::post("/events").header(header::CONTENT_TYPE, "application/json");
    let (status, answer) = send(router, request.body(Body::from(json.to_owned())).unwrap()).await;
    let events = given.lock().unwrap().clone();
    (status, answer, events)
}

/// What the events of a file say.
async fn said<K: EventKind>(name: &str) -> Vec<K> {
    let (status, _, events) = deliver(&file(name)).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{name}");
    events.iter().map(|event| event.read().unwrap().unwrap_or_else(|| panic!("{name}: {event:?}"))).collect()
}

fn created(key: &str, version: &str) -> ObjectCreated {
    ObjectCreated { bucket: Some("plants".into()), key: key.into(), version: Some(version.into()) }
}

#[tokio::test]
async fn objects_are_told_by_whatever_carries_the_news() {
    const ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";
    for (name, expected) in [
        // The keys of notifications are form-encoded, those of EventBridge are plain.
        ("s3-put", created("incoming/dandelion/phone 1/löwenzahn+2.jpg", "096fKKXTRTtl3on89fVO.nfljtsv6qko")),
        ("eventbridge-s3", created("incoming/grass/after rain+1.jpg", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")),
        ("minio-webhook", created("incoming/dandelion/1 of 2.jpg", "9c1c8ed7e3e0f2d6f3e1f9c1d5f7f3a2")),
        ("cloudevent-s3-adapter", created("incoming/grass/2.jpg", ETAG)),
        ("cloudevent-integration-source", created("incoming/grass/3.jpg", ETAG)),
    ] {
        assert_eq!(said::<ObjectCreated>(name).await, [expected], "{name}");
    }
    let two = [created("incoming/dandelion/1.jpg", ETAG), created("incoming/grass/1.jpg", ETAG)];
    assert_eq!(said::<ObjectCreated>("s3-two-objects").await, two);
    assert_eq!(said::<ObjectCreated>("s3-test-event").await, []);
}

#[tokio::test]
async fn the_same_object_is_the_same_event_whoever_tells_of_it() {
    let ids = |events: Vec<Event>| events.into_iter().map(|event| (event.source, event.id)).collect::<Vec<_>>();
    let one = ids(deliver(&file("s3-two-objects")).await.2);
    let again = ids(deliver(&file("s3-two-objects")).await.2);
    assert_eq!(one, again);
    let queued = ids(deliver(&file("sqs-s3")).await.2);
    assert_eq!(queued, one[..1]);
}

#[tokio::test]
async fn what_happened_other_than_a_creation_is_refused_by_its_name() {
    let (status, json, events) = deliver(&file("s3-removed")).await;
    assert_eq!((status, events.len()), (StatusCode::BAD_REQUEST, 0));
    assert!(json["detail"].as_str().unwrap().contains("`ObjectRemoved:Delete` are not taken"), "{json}");
    let other = json!({ "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {} });
    let (status, json, _) = deliver(&other.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        json["detail"].as_str().unwrap().contains("`EC2 Instance State-change Notification` of `aws.ec2`"),
        "{json}"
    );
}

#[tokio::test]
async fn our_own_events_come_back_from_wherever_they_were_sent() {
    for name in ["cloudevent-structured", "eventbridge-pappus", "kafka-cloudevent"] {
        let [trained] = said::<ModelTrained>(name).await.try_into().unwrap();
        assert_eq!(trained.version.as_str(), "3f2a91c04b7e", "{name}");
        let events = deliver(&file(name)).await.2;
        assert_eq!(events[0].id, "0b8e0cf6-7d39-8c3c-9a59-2d3f3f6f2a11", "{name}");
    }
}

#[tokio::test]
async fn schedules_and_alerts_are_known() {
    for name in ["eventbridge-schedule", "cloudevent-ping"] {
        assert_eq!(said::<ScheduleCame>(name).await, [ScheduleCame { name: "pappus-daily".into() }], "{name}");
    }
    let alerts = said::<AlertRaised>("alertmanager").await;
    let told: Vec<_> = alerts.iter().map(|alert| (&*alert.name, alert.resolved, &*alert.summary)).collect();
    assert_eq!(told, [("LowConfidence", false, "mean confidence is 0.71"), ("Latency", true, "p99 above 250 ms")]);
    assert_eq!(alerts[0].labels["model"], "classifier");
}

#[tokio::test]
async fn messages_of_a_queue_succeed_and_fail_each_on_its_own() {
    let (status, json, events) = deliver(&file("sqs-s3")).await;
    assert_eq!((status, events.len()), (StatusCode::OK, 1));
    let poisoned = json!({ "batchItemFailures": [{ "itemIdentifier": "e2a3ff1f-3f7e-4b5f-8c55-2f3f4a5b6c7d" }] });
    assert_eq!(json, poisoned);
    let failing = file("sqs-s3").replace("dandelion", "fail");
    let (_, json, _) = deliver(&failing).await;
    assert_eq!(json["batchItemFailures"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_record_of_a_log_that_is_no_event_is_passed_over_and_one_that_may_succeed_is_not() {
    let (status, _, events) = deliver(&file("kafka-image")).await;
    assert_eq!((status, events.len()), (StatusCode::NO_CONTENT, 1));
    assert_eq!((&*events[0].source, &*events[0].id), ("kafka:cameras", "partition:1/offset:7"));
    assert!(matches!(&events[0].data, Data::Bytes { bytes, .. } if bytes.starts_with(b"\x89PNG")));

    let poisoned = file("kafka-cloudevent").replace("\"value\": \"", "\"value\": \"?");
    let (status, _, events) = deliver(&poisoned).await;
    assert_eq!((status, events.len()), (StatusCode::NO_CONTENT, 0), "told of in the log, and passed over");
    // The header `ce_subject` as bytes: classifier/… becomes fail…
    let mut failing: Value = serde_json::from_str(&file("kafka-cloudevent")).unwrap();
    failing["records"]["models-0"][0]["headers"][4] = json!({ "ce_subject": b"fail".map(i64::from) });
    assert_eq!(deliver(&failing.to_string()).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn keys_are_decoded_as_s3_encodes_them() {
    for (encoded, key) in [
        ("incoming/a/b+c.jpg", "incoming/a/b c.jpg"),
        ("incoming/a/b%2Bc.jpg", "incoming/a/b+c.jpg"),
        ("incoming/a/%E8%92%B2%E5%85%AC%E8%8B%B1.jpg", "incoming/a/蒲公英.jpg"),
        ("incoming/a/../b.jpg", "incoming/a/../b.jpg"),
        ("100%", "100%"),
    ] {
        let file = file("s3-two-objects").replace("incoming/dandelion/1.jpg", encoded);
        let events = deliver(&file).await.2;
        assert_eq!(events[0].read::<ObjectCreated>().unwrap().unwrap().key, key);
    }
    let (status, json, _) = deliver(&file("s3-two-objects").replace("incoming/grass/1.jpg", "incoming/%FF")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(json["detail"].as_str().unwrap().contains("`incoming/%FF` is not UTF-8"), "{json}");
}

/// Replaces one of the values in JSON: `path` says which by its steps.
fn damage(json: &mut Value, path: &[prop::sample::Index], with: &Value) {
    let Some((step, path)) = path.split_first() else { return *json = with.clone() };
    match json {
        Value::Object(fields) if !fields.is_empty() => {
            let nth = step.index(fields.len());
            fields.values_mut().skip(nth).take(1).for_each(|value| damage(value, path, with));
        }
        Value::Array(items) if !items.is_empty() => {
            let nth = step.index(items.len());
            damage(&mut items[nth], path, with);
        }
        leaf => *leaf = with.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is wrong with a trigger, the answer says so and nothing panics.
    #[test]
    fn damaged_triggers_are_handled_or_refused(
        name in prop::sample::select(&["s3-put", "minio-webhook", "eventbridge-s3", "eventbridge-pappus", "sqs-s3",
            "kafka-cloudevent", "alertmanager", "cloudevent-structured", "cloudevent-integration-source"][..]),
        path in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        with in prop::sample::select(vec![json!(null), json!(7), json!("x"), json!([]), json!({}), json!("%ff"), json!([300])]),
    ) {
        let mut damaged = serde_json::from_str(&file(name)).unwrap();
        damage(&mut damaged, &path, &with);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, _, _) = runtime.block_on(deliver(&damaged.to_string()));
        prop_assert!(matches!(status.as_u16(), 200 | 204 | 400 | 503), "{} {}", status, damaged);
    }
}
