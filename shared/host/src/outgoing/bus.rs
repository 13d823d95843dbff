//! Events out: to the functions of this process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pappus_domain::Event;
use tokio::sync::mpsc;

use super::Publisher;
use crate::app::{App, OnEvent};
use crate::disposition::Failure;

/// The bus of one process: what is published is handed to every function in it, again and again while a function says
/// that it may succeed later, and what a function returns is published too.
///
/// The bus forgets when the process ends. That loses nothing: functions write their state before they say so, and
/// whatever stands between two states can be asked for again.
#[derive(Clone, Debug)]
pub struct Bus {
    queue: mpsc::UnboundedSender<Event>,
}

/// The other end of a [`Bus`], to be given the functions once they are built.
#[derive(Debug)]
pub struct Deliveries {
    queue: mpsc::UnboundedReceiver<Event>,
}

impl Bus {
    /// A bus and its other end.
    pub fn new() -> (Self, Deliveries) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { queue: sender }, Deliveries { queue: receiver })
    }

    fn send(&self, event: Event) {
        tracing::info!(id = event.id, kind = event.kind, subject = event.subject, "event");
        if self.queue.send(event).is_err() {
            tracing::warn!("an event came after the bus was closed, and was dropped");
        }
    }
}

#[async_trait]
impl Publisher for Bus {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.send(event);
        Ok(())
    }
}

impl Deliveries {
    /// Delivers to `apps`, for as long as it is polled. Each event goes to every function that takes it; a function
    /// that fails does not keep the event from another.
    pub async fn run(mut self, bus: Bus, apps: &[App]) {
        let handlers: Vec<(&'static str, Arc<dyn OnEvent>)> =
            apps.iter().map(|app| (app.name, app.on_event.clone())).collect();
        while let Some(event) = self.queue.recv().await {
            for (function, handler) in handlers.iter().filter(|(_, handler)| handler.takes(&event)) {
                tokio::spawn(deliver(function, handler.clone(), event.clone(), bus.clone()));
            }
        }
    }
}

const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

async fn deliver(function: &'static str, handler: Arc<dyn OnEvent>, event: Event, bus: Bus) {
    for attempt in 0..TRIES {
        match handler.on_event(event.clone()).await {
            // Nobody waits for an answer here.
            Ok(outcome) => return outcome.events.into_iter().for_each(|event| bus.send(event)),
            Err(failure) if failure.disposition().is_worth_repeating() && attempt + 1 < TRIES => {
                tracing::warn!(function, kind = event.kind, error = %failure, "event failed, to be delivered again");
                tokio::time::sleep(FIRST_PAUSE * 2u32.pow(attempt)).await;
            }
            Err(failure) => {
                tracing::error!(function, kind = event.kind, id = event.id, error = %failure, "event given up");
                return;
            }
        }
    }
}
