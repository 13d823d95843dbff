//! Functions, publishers and requests to test hosts with.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use pappus_domain::Event;
use pappus_host::{App, Failure, OnEvent, Publisher};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// An event of a kind.
pub fn event(kind: &str) -> Event {
    let (id, source) = ("7".into(), "/test".into());
    Event { id, source, kind: kind.into(), subject: None, time: None, data: json!({ "a": [1, null] }) }
}

/// Keeps what is published.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<Event>>);

#[async_trait]
impl Publisher for Kept {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
}

/// A function that does with an event what it is given to do.
pub struct Doing<F>(pub F);

#[async_trait]
impl<F: Fn(Event) -> Result<Vec<Event>, Failure> + Send + Sync> OnEvent for Doing<F> {
    async fn on_event(&self, event: Event) -> Result<Vec<Event>, Failure> {
        self.0(event)
    }
}

pub fn function(doing: impl Fn(Event) -> Result<Vec<Event>, Failure> + Send + Sync + 'static) -> App {
    App { name: "test", router: Router::new(), on_event: Some(Arc::new(Doing(doing))) }
}

/// Sends a request to a router; the answer's body as JSON, if it is.
pub async fn send(router: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
