//! Events in over HTTP: CloudEvents 1.0, binary and structured mode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use pappus_domain::{Event, Timestamp};
use serde_json::Value;

use crate::app::OnEvent;
use crate::bus::Publisher;
use crate::disposition::{Disposition, Failure};

/// The most bytes of an event: events name things, they do not carry them.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// `POST /events`: an event for one function; what follows from it is published before the answer goes out.
pub(crate) fn routes(handler: Arc<dyn OnEvent>, events: Arc<dyn Publisher>) -> Router {
    Router::new()
        .route("/events", post(receive))
        .layer(DefaultBodyLimit::max(MAX_EVENT_BYTES))
        .with_state((handler, events))
}

/// `POST /events`: an event for every function of this process, handed on and not waited for.
pub fn bus_routes(events: Arc<dyn Publisher>) -> Router {
    Router::new().route("/events", post(hand_on)).layer(DefaultBodyLimit::max(MAX_EVENT_BYTES)).with_state(events)
}

async fn hand_on(
    State(events): State<Arc<dyn Publisher>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    events.publish(parse(&headers, &body)?).await?;
    Ok(StatusCode::ACCEPTED)
}

type Receiver = (Arc<dyn OnEvent>, Arc<dyn Publisher>);

async fn receive(
    State((handler, events)): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    for event in handler.on_event(parse(&headers, &body)?).await? {
        events.publish(event).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Reads an event from a request.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Event, Failure> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let structured = text(header::CONTENT_TYPE.as_str()).is_some_and(|t| t.starts_with("application/cloudevents+json"));
    let refused = |what: String| Failure::new(Disposition::Refused, what);
    let event: Event = if structured {
        serde_json::from_slice(body).map_err(|error| refused(format!("the body is not a CloudEvent: {error}")))?
    } else {
        let attribute = |name: &str| {
            text(name)
                .map(str::to_owned)
                .ok_or_else(|| refused(format!("the header `{name}` of a CloudEvent is missing")))
        };
        let time = text("ce-time").map(str::parse::<Timestamp>).transpose();
        Event {
            id: attribute("ce-id")?,
            source: attribute("ce-source")?,
            kind: attribute("ce-type")?,
            subject: text("ce-subject").map(str::to_owned),
            time: time.map_err(|error| refused(format!("the header `ce-time` is not a time: {error}")))?,
            data: match body {
                [] => Value::Null,
                json => serde_json::from_slice(json)
                    .map_err(|error| refused(format!("the event's data is not JSON: {error}")))?,
            },
        }
    };
    if event.id.is_empty() || event.source.is_empty() || event.kind.is_empty() {
        return Err(refused("a CloudEvent needs an id, a source and a type, none of them empty".into()));
    }
    Ok(event)
}
