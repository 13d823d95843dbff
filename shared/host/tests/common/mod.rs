//! Functions, publishers and requests to test hosts with.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use pappus_domain::Event;
use pappus_host::{App, Context, Failure, OnEvent, Outcome, Publisher, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// An event of a kind.
pub fn event(kind: &str) -> Event {
    let (id, source) = ("7".into(), "/test".into());
    Event { id, source, kind: kind.into(), subject: None, time: None, data: json!({ "a": [1, null] }).into() }
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

/// A function that does with an event what it is given to do, and takes every kind but one.
pub struct Doing<F>(pub F);

/// The kind that [`Doing`] does not take.
pub const UNTAKEN: &str = "com.example.untaken";

#[async_trait]
impl<F: Fn(Event) -> Result<Vec<Event>, Failure> + Send + Sync> OnEvent for Doing<F> {
    fn kinds(&self) -> Vec<&'static str> {
        vec!["any but one"]
    }

    fn takes(&self, event: &Event) -> bool {
        event.kind != UNTAKEN
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        Ok(Outcome { answer: None, events: self.0(event)? })
    }
}

pub fn function(doing: impl Fn(Event) -> Result<Vec<Event>, Failure> + Send + Sync + 'static) -> App {
    App { name: "test", router: Router::new(), on_event: Arc::new(Doing(doing)) }
}

/// A context over stores in a folder of its own.
pub async fn context() -> (Context, TempDir) {
    context_with(&[]).await
}

/// The same, with these settings.
pub async fn context_with(variables: &[(&str, &str)]) -> (Context, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let settings = Settings::read(value, Some(home.path().into())).unwrap();
    (Context::open(settings, Arc::new(Kept::default())).await.unwrap(), home)
}

/// A trigger as its source sends it.
pub fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/events");
    std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap()
}

/// Sends a request to a router; the answer's body as JSON, if it is.
pub async fn send(router: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
