//! Events to Amazon EventBridge: what arrives there, and what happens where some of it is turned away.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use common::event;
use pappus_domain::Event;
use pappus_host::{Disposition, EventBridge, EventBus, Publisher as _, bind, serve};
use serde_json::{Value, json};

/// The requests that the bus got: the entries of each.
type Got = Arc<Mutex<Vec<Vec<Value>>>>;

/// A bus that turns away, at its nth request, the entries whose detail type is among the nth of these.
async fn bus(away: Vec<Vec<String>>) -> (EventBridge, Got) {
    let got = Got::default();
    let seen = got.clone();
    let put_events = post(async move |body: Bytes| {
        let mut request: Value = serde_json::from_slice(&body).unwrap();
        let Value::Array(entries) = request["Entries"].take() else { panic!("no entries: {request}") };
        let mut seen = seen.lock().unwrap();
        let away = away.get(seen.len()).cloned().unwrap_or_default();
        let turned = |entry: &Value| away.iter().any(|kind| entry["DetailType"] == **kind);
        let failed = entries.iter().filter(|entry| turned(entry)).count();
        let answers = entries.iter().map(|entry| {
            if turned(entry) {
                json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded" })
            } else {
                json!({ "EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860" })
            }
        });
        let answer = json!({ "FailedEntryCount": failed, "Entries": answers.collect::<Vec<_>>() });
        seen.push(entries);
        ([("content-type", "application/x-amz-json-1.1")], answer.to_string())
    });
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(serve(listener, Router::new().route("/", put_events), pending()));
    let bus = EventBus { name: "plants".into(), region: Some("eu-west-3".into()), endpoint };
    (EventBridge::open(&bus).await, got)
}

fn events(count: usize) -> Vec<Event> {
    (0..count).map(|nth| event(&format!("k{nth}"))).collect()
}

/// The detail types of each request.
fn kinds(got: &Got) -> Vec<Vec<String>> {
    let kind = |entry: &Value| entry["DetailType"].as_str().unwrap().to_owned();
    got.lock().unwrap().iter().map(|entries| entries.iter().map(kind).collect()).collect()
}

fn named(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|nth| format!("k{nth}")).collect()
}

#[test]
fn with_credentials_in_the_environment() {
    let this = std::env::current_exe().unwrap();
    let mut all = Command::new(this);
    all.args(["--ignored", "--nocapture"]);
    all.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    let ended = all.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("4 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn an_entry_holds_the_whole_event() {
    let (bridge, got) = bus(Vec::new()).await;
    let time = Some("2026-11-01T12:00:00Z".parse().unwrap());
    let sent = Event { source: "/pappus/ingest".into(), time, ..event("com.example.a") };
    bridge.publish(sent.clone()).await.unwrap();
    let entry = got.lock().unwrap()[0][0].clone();
    assert_eq!((&entry["EventBusName"], &entry["Source"]), (&json!("plants"), &json!("pappus.ingest")));
    assert_eq!((&entry["DetailType"], entry["Time"].as_f64()), (&json!("com.example.a"), Some(1_793_534_400.0)));
    assert_eq!(serde_json::from_str::<Event>(entry["Detail"].as_str().unwrap()).unwrap(), sent);
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn ten_at_once_and_in_order() {
    let (bridge, got) = bus(Vec::new()).await;
    bridge.publish_all(events(23)).await.unwrap();
    assert_eq!(kinds(&got), [named(0..10), named(10..20), named(20..23)]);
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn only_what_was_turned_away_is_sent_again() {
    let (bridge, got) = bus(vec![named([1, 7]), named([7])]).await;
    bridge.publish_all(events(12)).await.unwrap();
    assert_eq!(kinds(&got), [named(0..10), named([1, 7]), named([7]), named(10..12)]);
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn what_stays_turned_away_is_the_source_s_to_try_again() {
    let (bridge, got) = bus(vec![named([3]); 9]).await;
    let failure = bridge.publish_all(events(12)).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable);
    let said = "EventBridge bus `plants` turned 1 events away: ThrottlingException";
    assert_eq!(failure.to_string(), said);
    assert_eq!(kinds(&got), [named(0..10), named([3]), named([3]), named([3])], "four tries, and nothing after it");
}
