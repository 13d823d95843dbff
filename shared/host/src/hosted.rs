//! A function with what every function answers beside its own routes: events, health, metrics, request ids.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_extractor, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on, post};
use pappus_domain::event::Data;
use pappus_telemetry::Metrics;
use tokio::time::timeout;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::App;
use crate::caller::{Asker, Operator, Reader, local, local_with_keys, refuse_other_sites, with_keys};
use crate::context::Context;
use crate::disposition::{Disposition, Failure, unknown_route};
use crate::handling::{Handled, Handling};
use crate::incoming;
use crate::outgoing::Outlet;
use crate::settings::Host;
use crate::wrong_method::wrong_method;

/// By which a request is known in logs, and to whoever sent it.
const REQUEST_ID: &str = "x-request-id";
/// The most characters of a request id that is taken over from a client.
const REQUEST_ID_LENGTH: usize = 128;
/// How long neighbours may take to say that they are there. Slow ones are there all the same.
const NEIGHBOUR_TIMEOUT: Duration = Duration::from_secs(8);

/// A function, about to be hosted.
#[derive(Clone)]
pub struct Hosted {
    pub(crate) app: App,
    pub(crate) context: Context,
    pub(crate) handling: Handling,
}

impl Hosted {
    /// A function whose events leave it by `outlet`.
    pub fn new(app: App, context: Context, outlet: Outlet) -> Self {
        let handling = Handling { handler: app.on_event.clone(), outlet };
        Self { app, context, handling }
    }

    /// All that it answers over HTTP. Events are taken on `/events`, and on `/`, where brokers send them.
    pub fn router(&self) -> Router {
        let mut events = Router::new()
            .route("/", post(receive))
            // MinIO asks whether anybody is there before it sends.
            .route("/events", post(receive).merge(on(MethodFilter::HEAD, || async { StatusCode::NO_CONTENT })))
            .layer(DefaultBodyLimit::max(self.app.on_event.max_event_bytes()))
            .with_state(self.handling.clone());
        events = events.route_layer(from_fn(refuse_other_sites));
        let mut inside = Router::new().route("/metrics", get(metrics)).with_state(Arc::new(self.clone()));
        inside = inside.route_layer(from_fn(refuse_other_sites));
        if self.context.settings.host == Host::Lambda {
            // Its events come another way, and no network is around it: whoever comes here has come from outside.
            events = events.route_layer(from_extractor::<Operator>());
            inside = inside.route_layer(from_extractor::<Reader>());
        }
        let health = Router::new()
            .route("/health/live", get(|| async { StatusCode::OK }))
            .route("/health/ready", get(ready))
            .with_state(Arc::new(self.clone()));
        let all = self.app.router.clone().merge(events).merge(inside).merge(health).fallback(unknown_route);
        let all = all.method_not_allowed_fallback(wrong_method);
        with_keys(all, self.context.settings.api_keys.clone()).layer(from_fn(with_request_id))
    }

    /// The same for a server that only this machine reaches: there no key is needed, unless there are keys.
    pub fn local_router(&self) -> Router {
        let router = self.router();
        if self.context.settings.api_keys.is_some() { local_with_keys(router) } else { local(router) }
    }

    /// Whether it can do its work now.
    ///
    /// # Errors
    /// With what is missing.
    pub async fn ready(&self) -> Result<(), Failure> {
        self.app.on_event.ready().await
    }

    /// Finishes what is buffered and closes what is open.
    pub async fn close(&self) {
        self.app.on_event.flush().await;
        self.context.close().await;
    }
}

async fn receive(
    State(handling): State<Handling>,
    asker: Result<Asker, Failure>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let handled = handle(&handling, asker, &headers, body).await.inspect_err(|failure| {
        // A broker drops what is refused, and nobody else would ever know.
        tracing::warn!(error = %failure, disposition = failure.disposition().name(), "an event is not done");
    })?;
    let content_type = match &handled {
        Handled::Events(events) if events.is_empty() => return Ok(StatusCode::NO_CONTENT.into_response()),
        Handled::Events(events) if events.len() == 1 => "application/cloudevents+json",
        Handled::Events(_) => "application/cloudevents-batch+json",
        Handled::Failed(_) => Data::JSON,
    };
    let json = handled.into_json().map_err(Failure::from_error)?;
    Ok(([(header::CONTENT_TYPE, content_type)], json.to_string()).into_response())
}

async fn handle(
    handling: &Handling,
    asker: Result<Asker, Failure>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Handled, Failure> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = handling.handler.max_event_bytes();
            Failure::new(Disposition::TooLarge, format!("the event is larger than the {limit} bytes allowed"))
        }
        _ => Failure::new(Disposition::Refused, rejection.body_text()),
    })?;
    let incoming = incoming::read(headers, &body)?;
    if incoming.brings_bytes() {
        // An image is asked about, whichever way it came.
        asker?;
    }
    handling.handle(incoming).await
}

async fn ready(State(hosted): State<Arc<Hosted>>) -> Result<StatusCode, Failure> {
    let ready = timeout(NEIGHBOUR_TIMEOUT, hosted.ready()).await;
    let late =
        |_| Failure::new(Disposition::Unavailable, "a neighbour does not answer: the catalog or the object store");
    ready.map_err(late)??;
    Ok(StatusCode::OK)
}

async fn metrics(State(hosted): State<Arc<Hosted>>) -> Result<Response, Failure> {
    let text = hosted.context.metrics.text().map_err(Failure::from_error)?;
    Ok(([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], text).into_response())
}

/// Gives a request the id that its client gave it, or a new one, in the log and in the answer.
async fn with_request_id(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_LENGTH).cloned();
    // A UUID is a header's value.
    let id = given.or_else(|| Uuid::now_v7().to_string().parse().ok());
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!("request", request = shown, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
