//! The prediction log: behind the answers, in batches, bounded in memory and on disk.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pappus_catalog::Predictions;
use pappus_domain::Prediction;
use pappus_host::Failure;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::spill::Spill;

/// Predictions that may wait to be written.
const WAITING: usize = 10_000;
/// The most predictions of one transaction.
const BATCH: usize = 512;
/// How long predictions gather before they are written: each transaction costs a flush of the disk.
const GATHER: Duration = Duration::from_millis(100);
/// How long the catalog may take for a batch: some answers, from a server that takes seconds for each.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long for a batch that has waited on disk: while it is written, 500 answers a second still find room in the queue.
const CATCH_UP: Duration = Duration::from_secs(15);
/// How long for a batch that can wait on disk: less than a process that is to end has for all that it has taken.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);
/// And how much longer once somebody flushes: Lambda leaves two seconds.
const FLUSHED_ATTEMPT: Duration = Duration::from_secs(1);
/// And how much longer one that has waited on disk: on Lambda there is no other time to write it in.
const FLUSHED_CATCH_UP: Duration = Duration::from_millis(500);
/// How long it is left alone after it has failed.
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
    /// Starts the writer. What the catalog does not take waits in the folder `waiting`, if one is given, also for the
    /// next process. `dropped` counts what found the queue full.
    pub fn start(catalog: Arc<dyn Predictions>, waiting: Option<PathBuf>, dropped: Counter) -> Self {
        let (queue, predictions) = mpsc::channel(WAITING);
        let (wanted, is_wanted) = watch::channel(0);
        let (tell_written, written) = watch::channel(0);
        tokio::spawn(async move {
            let spill = match waiting {
                Some(folder) => Some(Spill::open(folder).await),
                None => None,
            };
            let writer = Writer { catalog, spill, away_until: None, wanted: is_wanted, done: 0 };
            writer.run(predictions, tell_written).await;
        });
        Self { queue, taken: Arc::default(), wanted, written, dropped }
    }

    /// Takes a prediction to be written. Never waits: where the queue is full the prediction is counted, not logged.
    pub fn log(&self, prediction: Prediction) {
        match self.queue.try_send(prediction) {
            Ok(()) => self.taken.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.dropped.inc(),
        };
    }

    /// Has all that was taken written at once, to the catalog or else to disk, and waits for that, at most `patience`.
    /// Returns how many predictions are in memory still: they are tried again for as long as the process lives, and
    /// lost when it ends.
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

/// The far end: what it takes from the queue reaches the catalog, or waits on disk until it can.
struct Writer {
    catalog: Arc<dyn Predictions>,
    spill: Option<Spill>,
    /// Until when the catalog is left alone: it failed.
    away_until: Option<Instant>,
    wanted: watch::Receiver<u64>,
    done: u64,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Prediction>, written: watch::Sender<u64>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received = tokio::select! {
                received = queue.recv_many(&mut batch, BATCH) => received,
                () = until(self.away_until), if self.spill.as_ref().is_some_and(|spill| !spill.is_empty()) => {
                    self.catch_up().await;
                    continue;
                }
            };
            if received == 0 {
                return;
            }
            self.settle(&batch).await;
            self.done += batch.len() as u64;
            batch.clear();
            written.send_replace(self.done);
            let done = self.done;
            tokio::select! {
                () = sleep(GATHER) => {}
                Ok(_) = self.wanted.wait_for(|wanted| *wanted > done) => {}
            }
        }
    }

    /// Sees to it that a batch is in the catalog or on disk. Where neither takes it, it is held, and the queue fills.
    async fn settle(&mut self, batch: &[Prediction]) {
        let is_away = self.away_until.is_some_and(|until| until > Instant::now());
        let is_flushed = *self.wanted.borrow() > self.done;
        // Where there is a disk, nobody who flushes waits for a catalog that is known to be away.
        if (!is_away || is_flushed && self.spill.is_none()) && self.append_in_time(batch).await {
            return;
        }
        while !self.keep(batch).await {
            tokio::select! {
                () = sleep(PAUSE) => {}
                // Somebody flushes, and may not have the time to wait.
                Ok(()) = self.wanted.changed() => {}
            }
            if self.append(batch, ATTEMPT).await {
                return;
            }
        }
    }

    /// Writes a batch to the catalog, if it can be done. Where it can be kept on disk instead, and somebody flushes, this
    /// is given up soon; should it have been done all the same, doing it again changes nothing.
    async fn append_in_time(&mut self, batch: &[Prediction]) -> bool {
        if self.spill.is_none() {
            return self.append(batch, ATTEMPT).await;
        }
        let flushed = self.flushed_for(FLUSHED_ATTEMPT);
        let appended = tokio::select! {
            appended = self.append(batch, FIRST_ATTEMPT) => Some(appended),
            () = flushed => None,
        };
        appended.unwrap_or_else(|| {
            self.away_until = Some(Instant::now() + PAUSE);
            false
        })
    }

    /// Waits until somebody has flushed for so long what this writer has not written yet.
    fn flushed_for(&self, time: Duration) -> impl Future<Output = ()> + use<> {
        let (mut wanted, done) = (self.wanted.clone(), self.done);
        async move {
            if wanted.wait_for(|wanted| *wanted > done).await.is_err() {
                // Nobody is left who could.
                return pending().await;
            }
            sleep(time).await;
        }
    }

    /// Writes a batch to the catalog, if it can be done.
    async fn append(&mut self, batch: &[Prediction], patience: Duration) -> bool {
        let failure = match timeout(patience, self.catalog.log_predictions(batch)).await {
            Ok(Ok(())) => {
                self.away_until = None;
                return true;
            }
            Ok(Err(error)) => Failure::from(error).to_string(),
            Err(_) => format!("the catalog does not answer within {patience:?}"),
        };
        tracing::warn!(failure, count = batch.len(), "predictions could not be logged, to be tried again");
        self.away_until = Some(Instant::now() + PAUSE);
        false
    }

    /// Keeps a batch on disk, if it can be done.
    async fn keep(&mut self, batch: &[Prediction]) -> bool {
        let Some(spill) = &mut self.spill else { return false };
        let Err(error) = spill.keep(batch).await else { return true };
        tracing::warn!(error = &error as &dyn std::error::Error, "predictions cannot be kept on disk");
        false
    }

    /// Writes the batch that has waited longest to the catalog, if it can be done.
    async fn catch_up(&mut self) {
        let oldest = match &mut self.spill {
            Some(spill) => spill.oldest().await,
            None => None,
        };
        let Some(batch) = oldest else { return };
        // What is in memory cannot wait so long. Twice in the catalog is once.
        let flushed = self.flushed_for(FLUSHED_CATCH_UP);
        let written = tokio::select! {
            written = self.append(&batch, CATCH_UP) => written,
            () = flushed => false,
        };
        if written && let Some(spill) = &mut self.spill {
            spill.forget_oldest().await;
        }
    }
}

async fn until(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time).await;
    }
}
