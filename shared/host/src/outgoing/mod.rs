//! Events out: where a function tells what follows from its work.

mod bus;
#[cfg(feature = "aws")]
mod event_bridge;
mod knative;

use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::Event;

pub use bus::{Bus, Deliveries};
pub use knative::KnativeSink;

#[cfg(feature = "aws")]
pub use event_bridge::EventBridge;

use crate::disposition::{Disposition, Failure};
use crate::error::Error;
use crate::settings::Events;

/// Where events go.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Hands an event on. When it returns, somebody else answers for the delivery.
    async fn publish(&self, event: Event) -> Result<(), Failure>;

    /// Hands several on, in order. On failure some of them may have been handed on.
    async fn publish_all(&self, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.publish(event).await?;
        }
        Ok(())
    }
}

/// How a function's events leave it.
#[derive(Clone)]
pub enum Outlet {
    /// They are published, and whoever sent the cause is only told that it is done.
    Published(Arc<dyn Publisher>),
    /// They go back to whoever sent the cause: a Knative broker, or the caller of a Lambda function.
    Answered,
}

impl Outlet {
    /// The outlet that the settings name, for a function in a process of its own.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) async fn open(events: &Events) -> Result<Self, Error> {
        match events {
            Events::Answered => Ok(Self::Answered),
            Events::Knative { sink, extensions } => {
                Ok(Self::Published(Arc::new(KnativeSink::new(sink.clone(), extensions.clone()))))
            }
            #[cfg(feature = "aws")]
            Events::EventBridge(bus) => Ok(Self::Published(Arc::new(EventBridge::open(bus).await))),
            #[cfg(not(feature = "aws"))]
            Events::EventBridge(bus) => Err(Error::Setting {
                variable: "PAPPUS_EVENTS",
                value: format!("eventbridge://{}", bus.name),
                allowed: "`reply:` or `knative:` in this build, which was made without the feature `aws`",
            }),
            Events::Local => Err(Error::Setting {
                variable: "PAPPUS_EVENTS",
                value: "local:".into(),
                allowed: "`reply:`, `knative:` or `eventbridge://BUS` for a function on its own: `local:` joins those of `pappus up`",
            }),
        }
    }

    /// Where a job tells of its work, if the settings name somebody who hears it: nobody waits for its answer, and no other
    /// function is in its process.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub async fn of_job(events: Option<&Events>) -> Result<Option<Arc<dyn Publisher>>, Error> {
        match events {
            None | Some(Events::Local | Events::Answered) => Ok(None),
            Some(events) => Ok(Some(Self::open(events).await?.publisher())),
        }
    }

    /// What publishes events that no request waits for, such as those of a training in the background.
    pub(crate) fn publisher(&self) -> Arc<dyn Publisher> {
        match self {
            Self::Published(publisher) => publisher.clone(),
            Self::Answered => Arc::new(Nobody),
        }
    }
}

/// The publisher of a process that can only answer.
struct Nobody;

#[async_trait]
impl Publisher for Nobody {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        let what = format!(
            "event `{}` can be told nobody: PAPPUS_EVENTS is `reply:`, and whoever sent the cause hears no answer",
            event.kind
        );
        Err(Failure::new(Disposition::Unavailable, what))
    }
}
