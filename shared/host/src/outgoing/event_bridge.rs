//! Events to Amazon EventBridge. The detail is the whole CloudEvent, so that nothing is lost on the way.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use pappus_domain::Event;

use super::Publisher;
use crate::disposition::{Disposition, Failure};
use crate::settings::EventBus;

/// The most entries that EventBridge takes at once.
const AT_ONCE: usize = 10;
/// Tries of entries that were turned away; whole requests are tried again by the SDK.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long one try of a request may take, and a request with all its tries.
const TRY: Duration = Duration::from_secs(4);
const WHOLE: Duration = Duration::from_secs(16);

/// A bus of EventBridge.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// A bus, with the credentials of the environment.
    pub async fn open(bus: &EventBus) -> Self {
        let mut loader = aws_config::from_env();
        if let Some(region) = &bus.region {
            loader = loader.region(aws_config::Region::new(region.clone()));
        }
        if let Some(endpoint) = &bus.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TRY).operation_timeout(WHOLE).build();
        let loader = loader.timeout_config(timeouts);
        Self { client: Client::new(&loader.load().await), bus: bus.name.clone() }
    }

    /// Puts entries; those that were turned away come back, with why the first of them was.
    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<(Vec<PutEventsRequestEntry>, String), Failure> {
        let put = self.client.put_events().set_entries(Some(entries.clone())).send().await;
        let put = put.map_err(|error| {
            let what = format!("EventBridge bus `{}` cannot be reached: {}", self.bus, DisplayErrorContext(&error));
            Failure::new(Disposition::Unavailable, what)
        })?;
        let results = put.entries();
        let mut why = String::new();
        let left = entries.into_iter().enumerate().filter(|(index, _)| {
            let Some(code) = results.get(*index).and_then(|result| result.error_code()) else { return false };
            if why.is_empty() {
                why = code.to_owned();
            }
            true
        });
        let left = left.map(|(_, entry)| entry).collect();
        Ok((left, why))
    }

    async fn put_all(&self, mut entries: Vec<PutEventsRequestEntry>) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let (left, why) = self.put(entries).await?;
            if left.is_empty() {
                break;
            }
            if attempt == TRIES {
                let what = format!("EventBridge bus `{}` turned {} events away: {why}", self.bus, left.len());
                return Err(Failure::new(Disposition::Unavailable, what));
            }
            tracing::warn!(bus = self.bus, left = left.len(), why, "events were turned away, to be sent again");
            tokio::time::sleep(pause).await;
            pause *= 2;
            entries = left;
        }
        Ok(())
    }

    fn entry(&self, event: &Event) -> Result<PutEventsRequestEntry, Failure> {
        let detail = serde_json::to_string(event).map_err(Failure::from_error)?;
        let source = event.source.trim_start_matches('/').replace('/', ".");
        let mut entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(source)
            .detail_type(&event.kind)
            .detail(detail);
        if let Some(time) = event.time {
            entry = entry.time(aws_sdk_eventbridge::primitives::DateTime::from_millis(time.as_millisecond()));
        }
        Ok(entry.build())
    }
}

#[async_trait]
impl Publisher for EventBridge {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.publish_all(vec![event]).await
    }

    async fn publish_all(&self, events: Vec<Event>) -> Result<(), Failure> {
        for some in events.chunks(AT_ONCE) {
            let entries = some.iter().map(|event| self.entry(event)).collect::<Result<_, _>>()?;
            self.put_all(entries).await?;
            for event in some {
                tracing::info!(id = event.id, kind = event.kind, subject = event.subject, "published");
            }
        }
        Ok(())
    }
}
