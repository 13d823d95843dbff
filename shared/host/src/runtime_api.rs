//! AWS Lambda's runtime API, played for tests and benchmarks: one function, one invocation after another.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use crate::error::Error;
use crate::server::{bind, serve};

/// The runtime API on a free port of this machine, for as long as the Tokio runtime lives that it was started in.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    payloads: mpsc::Sender<String>,
    answers: mpsc::Receiver<Invoked>,
}

/// How an invocation ended. The function hears that this has come when it is dropped: until then it is where Lambda may
/// freeze it.
#[derive(Debug)]
pub struct Invoked {
    /// `response` or `error`.
    pub how: String,
    /// What it answered, or what was wrong.
    pub json: Value,
    _heard: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    asked: Notify,
    payloads: Mutex<mpsc::Receiver<String>>,
    answers: mpsc::Sender<Invoked>,
}

impl RuntimeApi {
    /// Listens.
    ///
    /// # Errors
    /// [`Error::Listen`].
    pub async fn start() -> Result<Self, Error> {
        let (payloads, queue) = mpsc::channel(1);
        let (answering, answers) = mpsc::channel(1);
        let shared = Arc::new(Shared { asked: Notify::new(), payloads: queue.into(), answers: answering });
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answered))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", any(pending::<StatusCode>))
            .with_state(shared.clone());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = bind(address).await?;
        let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        tokio::spawn(serve(listener, api, pending()));
        Ok(Self { address, shared, payloads, answers })
    }

    /// What is in the environment of a function that this is to host.
    pub fn variables(&self, function: &str) -> [(&'static str, String); 4] {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".into()),
        ]
    }

    /// Waits until the function asks for an invocation, which ends its initialisation.
    pub async fn asked(&self) {
        self.shared.asked.notified().await;
    }

    /// Invokes the function once it asks; for as long as it takes. Nothing where there is nobody to answer any more.
    pub async fn invoke(&mut self, payload: String) -> Option<Invoked> {
        self.payloads.send(payload).await.ok()?;
        self.answers.recv().await
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.asked.notify_one();
    let payload = shared.payloads.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "1942409778441"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-3:111122223333:function:pappus"),
    ];
    (headers, payload.unwrap_or_default())
}

async fn answered(
    State(shared): State<Arc<Shared>>,
    Path((_, how)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let (heard, is_heard) = oneshot::channel();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    // Whoever invoked may have given up, and then drops it at once.
    let _ = shared.answers.send(Invoked { how, json, _heard: heard }).await;
    let _ = is_heard.await;
    StatusCode::ACCEPTED
}

async fn register() -> impl IntoResponse {
    let about = json!({ "functionName": "pappus", "functionVersion": "1", "handler": "bootstrap" });
    ([("lambda-extension-identifier", "1")], Json(about))
}
