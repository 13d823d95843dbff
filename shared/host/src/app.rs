//! A function, as its host sees it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::Event;
use pappus_domain::event::Data;

use crate::disposition::Failure;

/// What comes of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What whoever sent the event wants to know: it goes back to the sender.
    pub answer: Option<Event>,
    /// What others want to know: it is published.
    pub events: Vec<Event>,
}

impl Outcome {
    /// Nothing comes of it.
    pub const NOTHING: Self = Self { answer: None, events: Vec::new() };

    /// One event for others.
    pub fn event(event: Event) -> Self {
        Self { answer: None, events: vec![event] }
    }

    /// An answer to whoever asked.
    pub const fn answer(event: Event) -> Self {
        Self { answer: Some(event), events: Vec::new() }
    }
}

/// What a function does with an event.
#[async_trait]
pub trait OnEvent: Send + Sync {
    /// The kinds of event that it takes.
    fn kinds(&self) -> Vec<&'static str>;

    /// Whether it takes events of any other kind too, where their data is bytes and no JSON.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// Whether it takes an event.
    fn takes(&self, event: &Event) -> bool {
        let carries_bytes = matches!(event.data, Data::Bytes { .. });
        self.kinds().contains(&event.kind.as_str()) || carries_bytes && self.takes_bytes()
    }

    /// The most bytes that an event may have for it: events name things, few carry them.
    fn max_event_bytes(&self) -> usize {
        1 << 20
    }

    /// Handles an event that it takes. Handling an event twice is as handling it once.
    async fn on_event(&self, event: Event) -> Result<Outcome, Failure>;

    /// Whether it can do its work now.
    async fn ready(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The process has been asked to end: gives up what would take longer than it has. Whoever asked for that is told to
    /// ask again.
    fn stop(&self) {}

    /// Catches up, after the process may have been frozen for any time.
    async fn wake(&self) {}

    /// Finishes what is buffered, before the process ends or is frozen.
    async fn flush(&self) {}
}

/// A function: its routes, and its handler of events.
#[derive(Clone)]
pub struct App {
    /// Its name, as in `functions/`.
    pub name: &'static str,
    /// What it answers over HTTP, beside events, health and metrics.
    pub router: Router,
    /// What it does with events.
    pub on_event: Arc<dyn OnEvent>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.name).finish_non_exhaustive()
    }
}
