//! Predictions reach the catalog, behind the answers.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::fs::read_dir;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::{Stores, has_runtime, post, post_form, red, serving, stores};
use pappus_catalog::contract::samples;
use pappus_catalog::{Cursor, Error, Predictions, TimeRange};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Digest, Prediction, Timestamp};
use pappus_predict::PredictionLog;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn predictions_are_in_the_catalog_after_a_flush() {
    if !has_runtime() {
        return;
    }
    let (stores, app, version) = serving().await;
    let (_, answer) = post(&app, "/predict", "image/jpeg", red()).await;
    post_form(&app, "/predict/batch", &[("files", "a.jpg", &red()), ("files", "b.jpg", b"no image")]).await;
    app.on_event.flush().await;
    let id = answer["request_id"].as_str().unwrap().parse().unwrap();
    let logged = stores.context.catalog.prediction(&id).await.unwrap().unwrap();
    assert_eq!((logged.version, logged.class.as_str()), (version, "red"));
    assert_eq!((logged.image, logged.source.as_str()), (Digest::of(&red()), "http"));
    assert_eq!(count(&stores).await, 2, "a refusal is no prediction");
}

#[tokio::test]
async fn a_full_log_counts_what_it_drops_and_writes_the_rest() {
    let stores = stores().await;
    let dropped = Counter::default();
    let log = PredictionLog::start(stores.context.catalog.clone(), None, dropped.clone());
    // Nothing is written meanwhile: this test is the one thread there is.
    for number in 0..10_003 {
        log.log(samples::prediction(number, 0));
    }
    assert_eq!(dropped.get(), 3);
    assert_eq!(log.flush(PATIENCE).await, 0);
    assert_eq!(count(&stores).await, 10_000);
    log.log(samples::prediction(10_001, 0));
    assert_eq!(log.flush(PATIENCE).await, 0);
    assert_eq!(count(&stores).await, 10_001, "there is room again");
    assert_eq!(dropped.get(), 3);
}

async fn count(stores: &Stores) -> u64 {
    stores.context.catalog.count_predictions(&TimeRange::default(), u64::MAX).await.unwrap()
}

/// A catalog that fails while it is told to, and tells of each transaction how many predictions it had.
struct Store {
    fails: AtomicBool,
    takes: Mutex<Duration>,
    transactions: mpsc::UnboundedSender<usize>,
}

#[async_trait]
impl Predictions for Store {
    async fn log_predictions(&self, predictions: &[Prediction]) -> Result<(), Error> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("it is away".into()));
        }
        let takes = *self.takes.lock().unwrap();
        sleep(takes).await;
        self.transactions.send(predictions.len()).unwrap();
        Ok(())
    }

    async fn prediction(&self, _: &PredictionId) -> Result<Option<Prediction>, Error> {
        Ok(None)
    }

    async fn predictions(&self, _: &TimeRange, _: Option<&Cursor>, _: usize) -> Result<Vec<Prediction>, Error> {
        Ok(Vec::new())
    }

    async fn count_predictions(&self, _: &TimeRange, _: u64) -> Result<u64, Error> {
        Ok(0)
    }

    async fn delete_predictions(&self, _: Timestamp, _: usize) -> Result<u64, Error> {
        Ok(0)
    }
}

fn store(fails: bool) -> (Arc<Store>, PredictionLog, mpsc::UnboundedReceiver<usize>) {
    store_beside(fails, None)
}

fn store_beside(fails: bool, waiting: Option<&Path>) -> (Arc<Store>, PredictionLog, mpsc::UnboundedReceiver<usize>) {
    let (transactions, told) = mpsc::unbounded_channel();
    let store = Arc::new(Store { fails: fails.into(), takes: Mutex::default(), transactions });
    (store.clone(), PredictionLog::start(store, waiting.map(Path::to_owned), Counter::default()), told)
}

// The clock of these stands still while anything can be done.

#[tokio::test(start_paused = true)]
async fn predictions_gather_unless_somebody_flushes() {
    let (_store, log, mut transactions) = store(false);
    let begun = Instant::now();
    log.log(samples::prediction(0, 0));
    assert_eq!(transactions.recv().await, Some(1));
    for number in 1..4 {
        log.log(samples::prediction(number, 0));
    }
    assert_eq!(transactions.recv().await, Some(3));
    let gathered = begun.elapsed();
    assert!(gathered >= Duration::from_millis(100), "{gathered:?}");
    for number in 4..2000 {
        log.log(samples::prediction(number, 0));
        if number % 600 == 0 {
            assert_eq!(log.flush(PATIENCE).await, 0);
        }
    }
    assert_eq!(log.flush(PATIENCE).await, 0);
    assert_eq!(begun.elapsed(), gathered, "a flush waits for nothing but the catalog");
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_in_time_though_the_catalog_fails_and_the_next_one_finds_what_waits() {
    let (store, log, mut transactions) = store(true);
    for number in 0..3 {
        log.log(samples::prediction(number, 0));
    }
    let begun = Instant::now();
    // Not a whole number of seconds: it ends between two tries.
    assert_eq!(log.flush(Duration::from_millis(9_500)).await, 3, "they wait still");
    let gave_up = begun.elapsed();
    assert_eq!(gave_up.as_secs(), 9, "{gave_up:?}");
    store.fails.store(false, Ordering::Relaxed);
    assert_eq!(log.flush(PATIENCE).await, 0);
    assert_eq!(begun.elapsed(), gave_up, "it is tried at once");
    assert_eq!(transactions.recv().await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_the_catalog_does_not_take_waits_on_disk_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log, mut transactions) = store_beside(true, Some(&folder.path().join("waiting")));
    for number in 0..30_000 {
        log.log(samples::prediction(number, 0));
        if number % 5_000 == 4_999 {
            assert_eq!(log.flush(PATIENCE).await, 0, "they are safe");
        }
    }
    store.fails.store(false, Ordering::Relaxed);
    let mut logged = 0;
    while logged < 30_000 {
        logged += transactions.recv().await.unwrap();
    }
    assert_eq!(logged, 30_000, "and nobody had to ask for it");
    log.log(samples::prediction(30_000, 0));
    assert_eq!(transactions.recv().await, Some(1));
    assert_eq!(read_dir(folder.path().join("waiting")).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_catalog_gets_what_waits_on_disk_and_keeps_no_flush_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log, mut transactions) = store_beside(false, Some(folder.path()));
    *store.takes.lock().unwrap() = Duration::from_secs(12);
    for number in 0..3 {
        log.log(samples::prediction(number, 0));
        // Also while what waits on disk is being written.
        sleep(Duration::from_secs(8)).await;
        let begun = Instant::now();
        assert_eq!(log.flush(Duration::from_secs(10)).await, 0, "they are safe");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let caught_up = async {
        while read_dir(folder.path()).unwrap().count() > 0 {
            sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(PATIENCE, caught_up).await.expect("nothing waits any more");
    let logged: usize = std::iter::from_fn(|| transactions.try_recv().ok()).sum();
    assert_eq!(logged, 3, "each once");
}

/// As on Lambda, where each answer is followed by a flush, and nothing is done between the answers.
#[tokio::test(start_paused = true)]
async fn what_waits_on_disk_is_logged_though_somebody_flushes_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log, _transactions) = store_beside(true, Some(folder.path()));
    for number in 0..3 {
        log.log(samples::prediction(number, 0));
        assert_eq!(log.flush(PATIENCE).await, 0, "they are on disk");
    }
    assert!(read_dir(folder.path()).unwrap().count() > 0);
    store.fails.store(false, Ordering::Relaxed);
    *store.takes.lock().unwrap() = Duration::from_millis(100);
    let drained = async {
        for number in 3.. {
            log.log(samples::prediction(number, 0));
            sleep(Duration::from_millis(5)).await;
            assert_eq!(log.flush(Duration::from_secs(2)).await, 0);
            if read_dir(folder.path()).unwrap().count() == 0 {
                return;
            }
        }
    };
    timeout(PATIENCE, drained).await.expect("nothing waits any more");
}

#[tokio::test(start_paused = true)]
async fn batches_that_begin_with_the_same_prediction_both_wait_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log, mut transactions) = store_beside(true, Some(folder.path()));
    for other in [1, 2] {
        // An event that comes again has the same id.
        log.log(samples::prediction(0, 0));
        log.log(samples::prediction(other, 0));
        assert_eq!(log.flush(PATIENCE).await, 0, "they are on disk");
    }
    store.fails.store(false, Ordering::Relaxed);
    let mut logged = 0;
    while logged < 4 {
        logged += timeout(PATIENCE, transactions.recv()).await.expect("both are written").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_on_disk_is_logged_by_the_next_process_and_damage_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (_, log, _) = store_beside(true, Some(folder.path()));
    for number in 0..3 {
        log.log(samples::prediction(number, 0));
    }
    assert_eq!(log.flush(PATIENCE).await, 0);
    drop(log);
    std::fs::write(folder.path().join("0.jsonl"), b"{\"half\": a line").unwrap();
    let (_store, _log, mut transactions) = store_beside(false, Some(folder.path()));
    assert_eq!(transactions.recv().await, Some(3));
    assert!(folder.path().join("0.damaged").is_file());
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_leaves_the_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (store, log, mut transactions) = store_beside(true, Some(&file.path().join("waiting")));
    log.log(samples::prediction(0, 0));
    assert_eq!(log.flush(Duration::from_millis(2_500)).await, 1, "it waits still");
    store.fails.store(false, Ordering::Relaxed);
    assert_eq!(log.flush(PATIENCE).await, 0);
    assert_eq!(transactions.recv().await, Some(1));
}
