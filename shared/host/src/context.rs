//! The neighbours of a function, opened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pappus_catalog::SharedCatalog;
use pappus_objects::Objects;
use pappus_telemetry::Metrics;
use pappus_tracking::{Sending, Tracking};
use tokio::time::{sleep, timeout};

use crate::disposition::Failure;
use crate::error::Error;
use crate::outgoing::Publisher;
use crate::settings::{Host, Settings};

/// The first and the longest time between two attempts to open neighbours that are not there yet.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a start on AWS Lambda waits for them: it may take ten seconds in all.
const LAMBDA_PATIENCE: Duration = Duration::from_secs(8);

/// What a function works with.
#[derive(Clone)]
pub struct Context {
    /// What the environment says.
    pub settings: Arc<Settings>,
    /// Object storage.
    pub objects: Objects,
    /// Metadata.
    pub catalog: SharedCatalog,
    /// Where events go.
    pub events: Arc<dyn Publisher>,
    /// The metrics of this process.
    pub metrics: Metrics,
    /// Where trainings, evaluations and releases are told of.
    pub tracking: Tracking,
}

impl Context {
    /// Opens the neighbours that the settings name, and sees that they can be used.
    ///
    /// # Errors
    /// [`Error::Objects`], [`Error::Catalog`].
    pub async fn open(settings: Settings, events: Arc<dyn Publisher>) -> Result<Self, Error> {
        let objects = pappus_objects::open(&settings.objects).await?;
        objects.check(settings.access).await?;
        let catalog = pappus_catalog::open(&settings.catalog).await?;
        let metrics = Metrics::new(settings.service.labels());
        let sending = if settings.host == Host::Lambda { Sending::WhenAsked } else { Sending::Beside };
        let server = settings.tracking.as_ref();
        let tracking = Tracking::new(server, objects.clone(), catalog.clone(), &metrics, sending);
        Ok(Self { objects, catalog, metrics, settings: Arc::new(settings), events, tracking })
    }

    /// Opens the neighbours that the settings name, and waits for those that do not answer yet: servers that are started
    /// together come up in any order.
    ///
    /// # Errors
    /// As [`Context::open`]; that a neighbour does not answer only on AWS Lambda, which gives a start little time.
    pub async fn open_when_there(settings: Settings, events: Arc<dyn Publisher>) -> Result<Self, Error> {
        let begun = Instant::now();
        let (mut pause, longest) = PAUSES;
        loop {
            let open = Self::open(settings.clone(), events.clone());
            let opened = if settings.host == Host::Lambda {
                let left = LAMBDA_PATIENCE.saturating_sub(begun.elapsed());
                timeout(left, open).await.unwrap_or(Err(Error::NoAnswer(LAMBDA_PATIENCE)))
            } else {
                open.await
            };
            let error = match opened {
                Err(error) if is_awaited(&error, &settings) => error,
                opened => return opened,
            };
            if settings.host == Host::Lambda && begun.elapsed() + pause > LAMBDA_PATIENCE {
                return Err(error);
            }
            let failure = Failure::from_error(error);
            tracing::warn!(%failure, ?pause, "a neighbour does not answer yet: to be tried again");
            sleep(pause).await;
            pause = longest.min(pause * 2);
        }
    }

    /// Ends what goes on beside the work, and closes what is open.
    pub async fn close(&self) {
        self.tracking.close().await;
        self.catalog.close().await;
    }

    /// Whether the neighbours can be reached and used.
    ///
    /// # Errors
    /// With what is wrong with which.
    pub async fn check(&self) -> Result<(), Failure> {
        let (catalog, objects) = tokio::join!(self.catalog.check(), self.objects.check(self.settings.access));
        catalog?;
        objects?;
        Ok(())
    }
}

/// Whether an error may pass by itself: that of a server, not of this machine's own files.
fn is_awaited(error: &Error, settings: &Settings) -> bool {
    let is_server = |url: &str| !["file:", "memory:", "sqlite:"].iter().any(|scheme| url.starts_with(scheme));
    match error {
        Error::Objects(pappus_objects::Error::Unavailable { .. } | pappus_objects::Error::Busy { .. }) => {
            is_server(&settings.objects)
        }
        Error::Catalog(pappus_catalog::Error::Unavailable(_) | pappus_catalog::Error::Busy(_)) => {
            is_server(&settings.catalog)
        }
        _ => false,
    }
}
