//! Events to a Knative sink: binary CloudEvents over HTTP, tried again while the sink may come back.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use pappus_domain::Event;
use pappus_domain::event::Data;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use tokio::task::spawn_blocking;
use ureq::Agent;
use url::Url;

use super::Publisher;
use crate::disposition::{Disposition, Failure};
use crate::shown::shown;

const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long one try may take: all of them have to end before a server that is asked to stop cuts them off.
const TIMEOUT: Duration = Duration::from_secs(4);

/// What the HTTP binding of CloudEvents wants escaped in a header, beside all that is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The sink that Knative names in `K_SINK`.
#[derive(Clone)]
pub struct KnativeSink {
    agent: Agent,
    sink: Url,
    extensions: Vec<(String, String)>,
}

impl KnativeSink {
    /// A sink; `extensions` are attributes that every event gets, as `K_CE_OVERRIDES` wants.
    pub fn new(sink: Url, extensions: Vec<(String, String)>) -> Self {
        // A redirect would turn into a GET, whose success says nothing of the event.
        let config = Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
        let config = config.http_status_as_error(false).timeout_global(Some(TIMEOUT));
        Self { agent: config.build().into(), sink, extensions }
    }

    fn send(&self, event: &Event) -> Result<(), Refusal> {
        let mut request = self.agent.post(self.sink.as_str());
        let time = event.time.map(|time| time.to_string());
        let attributes = [
            ("specversion", Some(Event::SPECVERSION)),
            ("id", Some(&event.id)),
            ("source", Some(&event.source)),
            ("type", Some(&event.kind)),
            ("subject", event.subject.as_deref()),
            ("time", time.as_deref()),
        ];
        let own = attributes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let added = self.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(added) {
            request = request.header(format!("ce-{name}"), utf8_percent_encode(value, ESCAPED).to_string());
        }
        let sent = match &event.data {
            Data::Json(Value::Null) => request.send_empty(),
            Data::Json(json) => request.header("content-type", Data::JSON).send(json.to_string()),
            Data::Bytes { content_type, bytes } => {
                let content_type = content_type.as_deref().unwrap_or("application/octet-stream");
                request.header("content-type", content_type).send(&bytes[..])
            }
        };
        match sent {
            Ok(response) => match response.status().as_u16() {
                200..300 => Ok(()),
                status => Err(Refusal {
                    again: matches!(status, 404 | 408 | 409 | 429 | 500..),
                    why: format!("answered {status}"),
                }),
            },
            Err(error) => Err(Refusal { again: true, why: format!("cannot be reached: {error}") }),
        }
    }
}

impl fmt::Debug for KnativeSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnativeSink").field("sink", &shown(self.sink.as_str())).finish_non_exhaustive()
    }
}

struct Refusal {
    again: bool,
    why: String,
}

#[async_trait]
impl Publisher for KnativeSink {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let (this, sending) = (self.clone(), event.clone());
            let sent = spawn_blocking(move || this.send(&sending)).await.map_err(Failure::from_error)?;
            let Err(Refusal { again, why }) = sent else { break };
            let host = self.sink.host_str().unwrap_or_default();
            if !again || attempt == TRIES {
                let what = format!("event `{}` was not published: the sink {host} (K_SINK) {why}", event.kind);
                return Err(Failure::new(if again { Disposition::Unavailable } else { Disposition::Fault }, what));
            }
            tracing::warn!(kind = event.kind, sink = host, why, attempt, "an event was not taken, to be sent again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        tracing::info!(id = event.id, kind = event.kind, subject = event.subject, "published");
        Ok(())
    }
}
