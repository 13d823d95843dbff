//! Several functions as one.

use async_trait::async_trait;
use futures::future::join_all;
use pappus_domain::Event;

use crate::app::{App, OnEvent, Outcome};
use crate::disposition::Failure;

/// The functions of one process as one: an event goes to each that takes it.
#[derive(Clone, Debug)]
pub struct Together(pub Vec<App>);

#[async_trait]
impl OnEvent for Together {
    fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.0.iter().flat_map(|app| app.on_event.kinds()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn takes_bytes(&self) -> bool {
        self.0.iter().any(|app| app.on_event.takes_bytes())
    }

    fn takes(&self, event: &Event) -> bool {
        self.0.iter().any(|app| app.on_event.takes(event))
    }

    fn max_event_bytes(&self) -> usize {
        self.0.iter().map(|app| app.on_event.max_event_bytes()).max().unwrap_or_default()
    }

    /// A function that fails does not keep the event from another, but keeps the sender from thinking it done.
    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        let takers = self.0.iter().filter(|app| app.on_event.takes(&event));
        let outcomes = join_all(takers.map(|app| app.on_event.on_event(event.clone()))).await;
        let mut all = Outcome::NOTHING;
        let mut failure: Option<Failure> = None;
        for outcome in outcomes {
            match outcome {
                Ok(Outcome { answer, events }) => {
                    all.answer = all.answer.or(answer);
                    all.events.extend(events);
                }
                Err(error) => failure = Some(Failure::worse(failure, error)),
            }
        }
        failure.map_or(Ok(all), Err)
    }

    async fn ready(&self) -> Result<(), Failure> {
        join_all(self.0.iter().map(|app| app.on_event.ready())).await.into_iter().collect()
    }

    fn stop(&self) {
        self.0.iter().for_each(|app| app.on_event.stop());
    }

    async fn wake(&self) {
        join_all(self.0.iter().map(|app| app.on_event.wake())).await;
    }

    async fn flush(&self) {
        join_all(self.0.iter().map(|app| app.on_event.flush())).await;
    }
}
