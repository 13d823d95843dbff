//! From what comes in to what goes out, the same on every host.

use std::sync::Arc;

use pappus_domain::Event;
use serde_json::{Value, json};

use crate::app::{OnEvent, Outcome};
use crate::disposition::{Disposition, Failure};
use crate::incoming::{Incoming, Message};
use crate::outgoing::Outlet;

/// A function's handler with the way its events take.
#[derive(Clone)]
pub(crate) struct Handling {
    pub(crate) handler: Arc<dyn OnEvent>,
    pub(crate) outlet: Outlet,
}

/// What whoever sent something is told.
#[derive(Debug)]
pub(crate) enum Handled {
    /// These events: answers, and what follows where events are not published. None: it is done.
    Events(Vec<Event>),
    /// These messages of a queue are not done, by their ids.
    Failed(Vec<String>),
}

impl Handled {
    /// As JSON: null, a CloudEvent or several, or SQS's partial failures.
    pub(crate) fn into_json(self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Events(mut events) => match (events.pop(), events.is_empty()) {
                (None, _) => Ok(Value::Null),
                (Some(only), true) => serde_json::to_value(only),
                (Some(last), false) => {
                    events.push(last);
                    serde_json::to_value(events)
                }
            },
            Self::Failed(ids) => {
                let failures: Vec<Value> = ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
                Ok(json!({ "batchItemFailures": failures }))
            }
        }
    }
}

impl Handling {
    /// Handles what came in.
    ///
    /// # Errors
    /// Where all of it is to be sent again, or none of it can be read.
    pub(crate) async fn handle(&self, incoming: Incoming) -> Result<Handled, Failure> {
        match incoming {
            Incoming::Events(events) => self.events(events).await.map(Handled::Events),
            Incoming::Queue(messages) => Ok(Handled::Failed(self.messages(messages).await)),
            Incoming::Log(records) => self.log(records).await.map(|()| Handled::Events(Vec::new())),
        }
    }

    /// One event after another; one that fails does not keep the others from being tried, nor what was done from being
    /// answered unless all is to come again.
    async fn events(&self, events: Vec<Result<Event, Failure>>) -> Result<Vec<Event>, Failure> {
        let mut answers = Vec::new();
        let mut failure: Option<Failure> = None;
        for event in events {
            let done = match event {
                Ok(event) => self.event(event).await,
                Err(unreadable) => Err(unreadable),
            };
            match done {
                Ok(answered) => answers.extend(answered),
                Err(error) => failure = Some(Failure::worse(failure, error)),
            }
        }
        match failure {
            Some(failure) if answers.is_empty() || failure.disposition().is_worth_repeating() => {
                Err(failure.of_delivery())
            }
            Some(failure) => {
                tracing::error!(error = %failure, "an event among others is passed over");
                Ok(answers)
            }
            None => Ok(answers),
        }
    }

    async fn event(&self, event: Event) -> Result<Vec<Event>, Failure> {
        if !self.handler.takes(&event) {
            let kinds = self.handler.kinds().join("`, `");
            let others = if self.handler.takes_bytes() { ", and any whose data is an image" } else { "" };
            let what = format!("events of type `{}` are not taken here: `{kinds}` are{others}", event.kind);
            return Err(Failure::new(Disposition::Refused, what));
        }
        let (id, kind) = (event.id.clone(), event.kind.clone());
        let Outcome { answer, events } = self.handler.on_event(event).await?;
        tracing::info!(id, kind, follow = events.len(), "event handled");
        let mut answers: Vec<Event> = answer.into_iter().collect();
        match &self.outlet {
            Outlet::Published(publisher) => publisher.publish_all(events).await?,
            Outlet::Answered => answers.extend(events),
        }
        Ok(answers)
    }

    /// The messages that are not done. One that can never be done is among them, so that the queue sets it aside.
    async fn messages(&self, messages: Vec<Message>) -> Vec<String> {
        let mut failed = Vec::new();
        for Message { id, events } in messages {
            let done = match events {
                Ok(events) => self.unanswered(events).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = done {
                tracing::warn!(message = id, error = %failure, "a message of the queue is not done");
                failed.push(id);
            }
        }
        failed
    }

    /// The records of a log. One that can never be done is told of and passed over.
    async fn log(&self, records: Vec<Result<Event, Failure>>) -> Result<(), Failure> {
        for record in records {
            let done = match record {
                Ok(event) => self.unanswered(vec![Ok(event)]).await,
                Err(failure) => Err(failure),
            };
            match done {
                Err(failure) if failure.disposition().is_worth_repeating() => return Err(failure),
                Err(failure) => tracing::error!(error = %failure, "a record of the log is passed over"),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Handles events whose sender hears no answer: where there is one, it is published.
    async fn unanswered(&self, events: Vec<Result<Event, Failure>>) -> Result<(), Failure> {
        let answers = self.events(events).await?;
        if answers.is_empty() {
            return Ok(());
        }
        self.outlet.publisher().publish_all(answers).await
    }
}
