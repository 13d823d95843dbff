//! AWS Lambda as a host: one entry for function URLs, API Gateway (payload version 2), S3, SQS, EventBridge, Kafka and
//! direct invocations.

mod gateway;

use std::time::{Duration, Instant};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn, spawn_graceful_shutdown_handler};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::disposition::{Disposition, Failure};
use crate::error::Error;
use crate::hosted::Hosted;
use crate::incoming;

/// How long what is buffered may take to be written before the answer goes out: after it the process is frozen.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may take once Lambda has sent SIGTERM, of the half second that it leaves.
const LAST_TIMEOUT: Duration = Duration::from_millis(400);

/// Serves invocations for as long as the environment lives.
///
/// # Errors
/// [`Error::Lambda`].
pub(crate) async fn serve(hosted: &Hosted, begun: Instant) -> Result<(), Error> {
    let closing = hosted.clone();
    spawn_graceful_shutdown_handler(move || async move {
        closing.app.on_event.stop();
        if timeout(LAST_TIMEOUT, closing.close()).await.is_err() {
            tracing::error!("what was buffered could not be written before the environment ended");
        }
    })
    .await;
    let init_ms = begun.elapsed().as_millis();
    tracing::info!(function = hosted.app.name, init_ms, "ready for invocations");
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| invoked(hosted.clone(), event));
    Runtime::new(handler).run().await.map_err(Error::Lambda)
}

async fn invoked(hosted: Hosted, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Failure> {
    let LambdaEvent { payload, context } = event;
    let span = tracing::info_span!("invocation", request = context.request_id);
    async move {
        hosted.app.on_event.wake().await;
        let answered = answer(&hosted, &payload, &context.request_id).await;
        let flushing = timeout(FLUSH_TIMEOUT, hosted.app.on_event.flush());
        let (flushed, ()) = tokio::join!(flushing, hosted.context.tracking.flush(FLUSH_TIMEOUT));
        if flushed.is_err() {
            tracing::warn!("what is buffered could not be written yet, and waits for the next invocation");
        }
        if let Err(failure) = &answered {
            tracing::warn!(error = %failure, "invocation failed");
        }
        answered
    }
    .instrument(span)
    .await
}

async fn answer(hosted: &Hosted, payload: &RawValue, request_id: &str) -> Result<Value, Failure> {
    if let Some(request) = gateway::read(payload.get(), request_id) {
        let answered = match request {
            Ok(request) => gateway::answer(hosted.router(), request).await,
            Err(failure) => gateway::refusal(failure).await,
        };
        return serde_json::to_value(answered?).map_err(Failure::from_error);
    }
    let json = serde_json::from_str(payload.get());
    let json = json.map_err(|error| Failure::new(Disposition::Refused, format!("the payload is not JSON: {error}")))?;
    let handled = hosted.handling.handle(incoming::read_json(json)?).await?;
    handled.into_json().map_err(Failure::from_error)
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.disposition().name().into(), error_message: failure.to_string() }
    }
}
