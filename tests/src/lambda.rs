//! AWS Lambda as a function sees it: its runtime API, played on a free port of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};

use crate::program::function;
use crate::running::{Ended, Running};
use crate::{DEADLINE, Home};

type Payloads = Arc<Mutex<mpsc::Receiver<String>>>;
type Answers = mpsc::Sender<(String, Value)>;

/// A function that AWS Lambda hosts; killed when dropped.
#[derive(Debug)]
pub struct Lambda {
    running: Running,
    payloads: mpsc::Sender<String>,
    answers: mpsc::Receiver<(String, Value)>,
    runtime: Runtime,
}

impl Lambda {
    /// Starts `pappus-NAME` in a home, where Lambda's runtime API is.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(home: &Home, name: &str) -> Result<Self> {
        let (payloads, queue) = mpsc::channel(1);
        let (answering, answers) = mpsc::channel(1);
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answered))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", any(std::future::pending::<StatusCode>))
            .with_state((Payloads::new(queue.into()), answering));
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(pappus_host::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
        let address = listener.local_addr()?.to_string();
        runtime.spawn(pappus_host::serve(listener, api, std::future::pending()));
        let mut command = home.command_of(&function(name)?);
        command.env("AWS_LAMBDA_RUNTIME_API", address).env("AWS_LAMBDA_FUNCTION_NAME", name);
        command.env("AWS_LAMBDA_FUNCTION_VERSION", "1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
        Ok(Self { running: Running::start(command)?, payloads, answers, runtime })
    }

    /// Invokes it; how it ended, `response` or `error`, and with what.
    ///
    /// # Errors
    /// Where there is no answer before the deadline.
    pub fn invoke(&mut self, payload: &Value) -> Result<(String, Value)> {
        self.runtime.block_on(async {
            self.payloads.send(payload.to_string()).await?;
            let answer = tokio::time::timeout(DEADLINE, self.answers.recv()).await;
            answer.ok().flatten().with_context(|| format!("no answer: {}", self.running.log()))
        })
    }

    /// Asks over HTTP as a function URL does; status and body of the answer.
    ///
    /// # Errors
    /// Where there is no answer, or one that is none to a request.
    pub fn ask(&mut self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Result<(u64, Vec<u8>)> {
        let payload = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": { "content-type": content_type },
            "requestContext": { "http": { "method": method, "path": path }, "stage": "$default" },
            "body": STANDARD.encode(body), "isBase64Encoded": true,
        });
        let (how, answer) = self.invoke(&payload)?;
        ensure!(how == "response", "{answer}");
        let text = answer["body"].as_str().context("no body")?;
        let body = if answer["isBase64Encoded"] == true { STANDARD.decode(text)? } else { text.into() };
        Ok((answer["statusCode"].as_u64().context("no status")?, body))
    }

    /// Asks it to stop, as Lambda does, and sees that it ends as asked.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub fn stop(self) -> Result<Ended> {
        self.running.signal("TERM")?;
        self.running.wait()?.expect(0)
    }
}

async fn next(State((payloads, _)): State<(Payloads, Answers)>) -> impl IntoResponse {
    let payload = payloads.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "1942409778441"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-3:111122223333:function:pappus"),
    ];
    (headers, payload.unwrap_or_default())
}

async fn answered(
    State((_, answers)): State<(Payloads, Answers)>,
    Path((_, how)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    // The test may have given up.
    let _ = answers.send((how, serde_json::from_slice(&body).unwrap_or_default())).await;
    StatusCode::ACCEPTED
}

async fn register() -> impl IntoResponse {
    let about = json!({ "functionName": "pappus", "functionVersion": "1", "handler": "bootstrap" });
    ([("lambda-extension-identifier", "1")], Json(about))
}
