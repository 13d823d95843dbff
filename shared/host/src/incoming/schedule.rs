//! Schedules: EventBridge's rules and Knative's PingSource.

use pappus_domain::event::ScheduleCame;
use pappus_domain::{Event, Timestamp};

use crate::disposition::Failure;

/// That a schedule's time has come. It comes again and again under one name: what tells one time from another is the
/// time, or what the source calls it.
pub(super) fn came(name: &str, time: Timestamp, id: Option<String>) -> Result<Event, Failure> {
    let came = ScheduleCame { name: name.into() };
    let event = Event::new("schedule", &came, time).map_err(Failure::from_error)?;
    Ok(Event { id: id.unwrap_or_else(|| format!("{name}@{time}")), ..event })
}

/// A PingSource's event; its name is the last part of its source.
pub(super) fn from_ping(ping: &Event) -> Result<Event, Failure> {
    let name = ping.source.rsplit('/').next().unwrap_or_default();
    came(name, ping.time.unwrap_or_else(Timestamp::now), Some(ping.id.clone()))
}
