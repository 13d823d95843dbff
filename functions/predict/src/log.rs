//! The prediction log: behind the answers, in batches, bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pappus_catalog::Predictions;
use pappus_domain::Prediction;
use pappus_host::Failure;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Predictions that may wait to be written.
const WAITING: usize = 10_000;
/// The most predictions of one transaction.
const BATCH: usize = 512;
/// How long predictions gather before they are written: each transaction costs a flush of the disk.
const GATHER: Duration = Duration::from_millis(100);
/// How long to wait before a batch that failed is written again.
const PAUSE: Duration = Duration::from_secs(1);

/// The near end of the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PredictionLog {
    queue: mpsc::Sender<Prediction>,
    taken: Arc<AtomicU64>,
    /// How many of those taken a flush waits for: up to there the writer lets nothing gather.
    wanted: watch::Sender<u64>,
    written: watch::Receiver<u64>,
    dropped: Counter,
}

impl PredictionLog {
    /// Starts the writer. `dropped` counts what found the queue full.
    pub fn start(catalog: Arc<dyn Predictions>, dropped: Counter) -> Self {
        let (queue, predictions) = mpsc::channel(WAITING);
        let (wanted, is_wanted) = watch::channel(0);
        let (tell_written, written) = watch::channel(0);
        tokio::spawn(write(catalog, predictions, is_wanted, tell_written));
        Self { queue, taken: Arc::default(), wanted, written, dropped }
    }

    /// Takes a prediction to be written. Never waits: where the queue is full the prediction is counted, not logged.
    pub fn log(&self, prediction: Prediction) {
        match self.queue.try_send(prediction) {
            Ok(()) => self.taken.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.dropped.inc(),
        };
    }

    /// Has all that was taken written at once, and waits for that, at most `patience`. Returns how many predictions wait
    /// still: they are tried again for as long as the process lives, and lost when it ends.
    pub async fn flush(&self, patience: Duration) -> u64 {
        let taken = self.taken.load(Ordering::Relaxed);
        self.wanted.send_modify(|wanted| *wanted = taken.max(*wanted));
        let mut written = self.written.clone();
        // Whether it was in time, or the writer is gone, shows in how many are written.
        let _ = timeout(patience, written.wait_for(|written| *written >= taken)).await;
        let waiting = taken.saturating_sub(*written.borrow());
        if waiting > 0 {
            tracing::error!(waiting, ?patience, "predictions are not logged yet, and lost if the process ends now");
        }
        waiting
    }
}

async fn write(
    catalog: Arc<dyn Predictions>,
    mut queue: mpsc::Receiver<Prediction>,
    mut wanted: watch::Receiver<u64>,
    written: watch::Sender<u64>,
) {
    let (mut batch, mut done) = (Vec::with_capacity(BATCH), 0);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        append(&*catalog, &batch, &mut wanted).await;
        done += batch.len() as u64;
        batch.clear();
        written.send_replace(done);
        tokio::select! {
            () = sleep(GATHER) => {}
            Ok(_) = wanted.wait_for(|wanted| *wanted > done) => {}
        }
    }
}

async fn append(catalog: &dyn Predictions, batch: &[Prediction], wanted: &mut watch::Receiver<u64>) {
    while let Err(error) = catalog.log_predictions(batch).await {
        let (failure, count) = (Failure::from(error), batch.len());
        tracing::warn!(%failure, count, "predictions could not be logged, to be tried again");
        tokio::select! {
            () = sleep(PAUSE) => {}
            // Somebody flushes, and may not have the time to wait.
            Ok(()) = wanted.changed() => {}
        }
    }
}
