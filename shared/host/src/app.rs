//! A function, as its host sees it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use pappus_domain::Event;

use crate::disposition::Failure;

/// What a function does with an event.
#[async_trait]
pub trait OnEvent: Send + Sync {
    /// Handles an event and returns the events that follow from it. An event of a kind that the function does not know
    /// is no error and has no consequence. Handling an event twice is as handling it once.
    async fn on_event(&self, event: Event) -> Result<Vec<Event>, Failure>;

    /// Finishes what is buffered, before the process ends.
    async fn flush(&self) {}
}

/// A function: its routes, and its handler of events.
#[derive(Clone)]
pub struct App {
    /// Its name, as in `functions/`.
    pub name: &'static str,
    /// What it answers over HTTP.
    pub router: Router,
    /// What it does with events, if anything.
    pub on_event: Option<Arc<dyn OnEvent>>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.name).finish_non_exhaustive()
    }
}
