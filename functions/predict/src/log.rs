//! The prediction log: behind the answers, in batches, bounded.

use std::time::Duration;

use pappus_catalog::SharedCatalog;
use pappus_domain::Prediction;
use pappus_host::Failure;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};

/// Predictions that may wait to be written.
const WAITING: usize = 10_000;
/// The most predictions of one transaction.
const BATCH: usize = 512;
/// How long predictions gather before they are written: each transaction costs a flush of the disk.
const GATHER: Duration = Duration::from_millis(100);
/// How long to wait before a batch that failed is written again.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries of one batch at shutdown, when nobody can wait for ever.
const LAST_TRIES: u32 = 5;

enum Entry {
    Prediction(Box<Prediction>),
    Flush(oneshot::Sender<()>),
}

/// The near end of the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PredictionLog {
    queue: mpsc::Sender<Entry>,
    dropped: Counter,
}

impl PredictionLog {
    /// Starts the writer. `dropped` counts what found the queue full.
    pub fn start(catalog: SharedCatalog, dropped: Counter) -> Self {
        let (queue, entries) = mpsc::channel(WAITING);
        tokio::spawn(write(catalog, entries));
        Self { queue, dropped }
    }

    /// Takes a prediction to be written. Never waits: where the queue is full the prediction is counted, not logged.
    pub fn log(&self, prediction: Prediction) {
        if self.queue.try_send(Entry::Prediction(Box::new(prediction))).is_err() {
            self.dropped.inc();
        }
    }

    /// Completes when all that was taken has been written, or given up after a few tries.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Entry::Flush(done)).await.is_ok() {
            // Without a writer there is nothing to wait for.
            let _ = written.await;
        }
    }
}

async fn write(catalog: SharedCatalog, mut entries: mpsc::Receiver<Entry>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut waiting, BATCH).await > 0 {
        let (mut predictions, mut flushes) = (Vec::with_capacity(waiting.len()), Vec::new());
        for entry in waiting.drain(..) {
            match entry {
                Entry::Prediction(prediction) => predictions.push(*prediction),
                Entry::Flush(done) => flushes.push(done),
            }
        }
        append(&catalog, &predictions, !flushes.is_empty()).await;
        if flushes.is_empty() {
            tokio::time::sleep(GATHER).await;
        }
        for done in flushes {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

async fn append(catalog: &SharedCatalog, predictions: &[Prediction], last: bool) {
    let mut tries = 0;
    while let Err(error) = catalog.log_predictions(predictions).await {
        tries += 1;
        let (failure, count) = (Failure::from(error), predictions.len());
        if last && tries >= LAST_TRIES {
            return tracing::error!(%failure, count, "predictions could not be logged, and are lost");
        }
        tracing::warn!(%failure, count, "predictions could not be logged, to be tried again");
        tokio::time::sleep(PAUSE).await;
    }
}
