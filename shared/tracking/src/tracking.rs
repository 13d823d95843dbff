//! What functions have of all this.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pappus_catalog::SharedCatalog;
use pappus_objects::Objects;
use pappus_telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::courier::{Courier, Round};
use crate::error::Error;
use crate::metrics::TrackingMetrics;
use crate::mlflow::Mlflow;
use crate::news::News;
use crate::outbox::Outbox;
use crate::report::Report;
use crate::server::Server;
use crate::teller::Teller;

/// How long it may take to write news down: a store that hangs is not to hold up what the news is of.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Of the time for a last round, what is kept to give the lease back.
const MARGIN: Duration = Duration::from_millis(250);
/// How long a round under way may go on when a server ends.
const LAST_ROUND: Duration = Duration::from_secs(1);
/// How long a process that has done its work may go on telling.
const LINGER: Duration = Duration::from_secs(3);

/// When a process tells MLflow what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// At any time, beside its work.
    Beside,
    /// Only when asked to, within the time that it is given: the process may be frozen between two requests.
    WhenAsked,
}

/// Tells an MLflow server what becomes of trainings and releases; or nobody, where none is named. Cheap to clone: all
/// clones are one.
#[derive(Clone)]
pub struct Tracking {
    outbox: Outbox,
    /// Nothing where nobody is told.
    courier: Option<Arc<Courier>>,
    sending: Sending,
    beside: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Tracking {
    /// Tells `server`, from the truth in `catalog` and `objects`.
    pub fn new(
        server: Option<&Server>,
        objects: Objects,
        catalog: SharedCatalog,
        metrics: &Metrics,
        sending: Sending,
    ) -> Self {
        let outbox = Outbox::new(objects.clone());
        let courier = server.map(|server| {
            let teller = Teller::new(Mlflow::new(server.clone()), catalog.clone(), objects);
            Arc::new(Courier::new(teller, outbox.clone(), catalog, TrackingMetrics::register(metrics)))
        });
        Self { outbox, courier, sending, beside: Arc::default() }
    }

    /// Writes down that MLflow is to be told something. It is told later, whatever becomes of this process. Where even
    /// this fails, the log and a counter say so: what the news is of is not to suffer from it.
    ///
    /// To be called once the catalog says what the news is of.
    pub async fn tell(&self, news: News) {
        let Some(courier) = &self.courier else { return };
        let failed = match timeout(WRITE_TIMEOUT, self.outbox.put(&news)).await {
            Ok(Ok(())) => return courier.wake(),
            Ok(Err(error)) => error.chain(),
            Err(_) => format!("the object store takes longer than {} s", WRITE_TIMEOUT.as_secs()),
        };
        courier.metrics.lost.inc();
        tracing::error!(?news, error = failed, "MLflow will not be told of this until there is other news of it");
    }

    /// From now on, tells what waits beside the work of this process, unless it may be frozen.
    pub fn attend(&self) {
        let Some(courier) = self.courier.clone().filter(|_| self.sending == Sending::Beside) else { return };
        let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        beside.get_or_insert_with(|| tokio::spawn(async move { courier.keep_telling().await }));
    }

    /// Tells what waits, if this process has written any of it, within so much time. What is left waits on.
    pub async fn flush(&self, within: Duration) {
        let Some(courier) = self.courier.as_ref().filter(|courier| !courier.is_idle()) else { return };
        let until = Instant::now() + within.saturating_sub(MARGIN);
        if timeout(within, courier.round(Some(until))).await.is_err() {
            tracing::debug!("MLflow is told later: there was no time left");
        }
    }

    /// Tells what waits, if this process has written any of it, before it ends: for a moment only. What is left waits on.
    pub async fn finish(&self) {
        self.flush(LINGER).await;
        self.close().await;
    }

    /// Tells what waits, for as long as it takes. Nothing where there is no server to be told.
    pub async fn send(&self) -> Option<Round> {
        Some(self.courier.as_ref()?.round(None).await)
    }

    /// Puts what MLflow refused back among what waits, and returns how much that was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_back(&self) -> Result<usize, Error> {
        let count = self.outbox.put_back().await?;
        if let Some(courier) = self.courier.as_ref().filter(|_| count > 0) {
            courier.wake();
        }
        Ok(count)
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn report(&self) -> Result<Report, Error> {
        let (waiting, oldest) = self.outbox.waiting().await?;
        let (refused, last_refusal) = self.outbox.refused().await?;
        let state = self.outbox.state().await?;
        let server = self.courier.as_ref().map(|courier| courier.server());
        // Where nothing waits, whatever was in the way is no more.
        let (tried_at, trouble) = (state.tried_at, state.trouble.filter(|_| waiting > 0));
        Ok(Report { server, waiting, oldest, tried_at, trouble, refused, last_refusal })
    }

    /// Ends the telling beside the work of this process, before its catalog is closed.
    pub async fn close(&self) {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(beside), Some(courier)) = (beside, &self.courier) else { return };
        // Between two rounds at once; one that takes longer leaves its lease to run out.
        let _ = timeout(LAST_ROUND, courier.between_rounds()).await;
        beside.abort();
        // It was cancelled, or it panicked and the log has that.
        let _ = beside.await;
    }
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.courier.as_ref().map(|courier| courier.server());
        f.debug_struct("Tracking").field("server", &server).field("sending", &self.sending).finish_non_exhaustive()
    }
}
