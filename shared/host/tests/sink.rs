//! Events to a Knative sink: what arrives there, and what happens where it does not.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use common::event;
use pappus_domain::Event;
use pappus_domain::event::Data;
use pappus_host::{Disposition, KnativeSink, Publisher as _, bind, serve};

/// What a sink was sent.
type Sent = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A sink that answers with these statuses, one after another, and then with 202.
async fn sink(statuses: &[u16]) -> (SocketAddr, Sent) {
    let sent = Sent::default();
    let (seen, statuses) = (sent.clone(), statuses.to_vec());
    let receive = post(async move |headers: HeaderMap, body: Bytes| {
        let mut seen = seen.lock().unwrap();
        seen.push((headers, body));
        statuses.get(seen.len() - 1).map_or(StatusCode::ACCEPTED, |status| StatusCode::from_u16(*status).unwrap())
    });
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Router::new().route("/plants/default", receive), pending()));
    (address, sent)
}

fn publisher(address: SocketAddr) -> KnativeSink {
    let extensions = vec![("team".into(), "plants & co".into())];
    KnativeSink::new(format!("http://{address}/plants/default").parse().unwrap(), extensions)
}

#[tokio::test]
async fn an_event_arrives_in_binary_mode() {
    let (address, sent) = sink(&[]).await;
    let time = Some("2026-11-01T12:00:00Z".parse().unwrap());
    let subject = Some("löwe \"1\"\r\nx: y".into());
    publisher(address).publish(Event { subject, time, ..event("com.example.a") }).await.unwrap();
    let image = Data::Bytes { content_type: Some("image/png".into()), bytes: vec![0x89, 0, 0xff] };
    publisher(address).publish(Event { data: image, ..event("com.example.b") }).await.unwrap();
    let sent = sent.lock().unwrap();
    let header = |nth: usize, name: &str| sent[nth].0.get(name).map(|value| value.to_str().unwrap().to_owned());
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/test"),
        ("ce-type", "com.example.a"),
        ("ce-subject", "l%C3%B6we%20%221%22%0D%0Ax:%20y"),
        ("ce-time", "2026-11-01T12:00:00Z"),
        ("ce-team", "plants%20&%20co"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(0, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(sent[0].1, r#"{"a":[1,null]}"#);
    assert_eq!(header(1, "content-type").as_deref(), Some("image/png"));
    assert_eq!((&sent[1].1[..], header(1, "ce-subject")), (&[0x89, 0, 0xff][..], None));
}

#[tokio::test]
async fn a_sink_that_is_away_is_tried_again() {
    let (address, sent) = sink(&[503, 429]).await;
    publisher(address).publish(event("a")).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_sink_that_stays_away_is_the_source_s_to_try_again() {
    let (address, sent) = sink(&[500; 9]).await;
    let failure = publisher(address).publish(event("a")).await.unwrap_err();
    assert_eq!((failure.disposition(), sent.lock().unwrap().len()), (Disposition::Unavailable, 4));
    assert!(failure.to_string().contains("K_SINK") && failure.to_string().contains("answered 500"), "{failure}");
    // A port on which nobody listens.
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = publisher(address).publish(event("a")).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable);
    assert!(failure.to_string().contains("cannot be reached"), "{failure}");
}

#[tokio::test]
async fn a_sink_that_refuses_is_not_asked_again() {
    for status in [400, 301, 303] {
        let (address, sent) = sink(&[status]).await;
        let failure = publisher(address).publish(event("a")).await.unwrap_err();
        assert_eq!((failure.disposition(), sent.lock().unwrap().len()), (Disposition::Fault, 1), "{status}");
    }
}
