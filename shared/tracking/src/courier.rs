//! The rounds in which news is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pappus_catalog::{Acquired, SharedCatalog, while_held};
use pappus_domain::Timestamp;
use pappus_objects::Key;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use crate::error::{Consequence, Error};
use crate::metrics::TrackingMetrics;
use crate::news::News;
use crate::outbox::{Entry, Outbox, State};
use crate::teller::Teller;

/// The lease under which one process at a time tells: MLflow itself cannot tell one that asks twice from two.
const LEASE: &str = "tracking";
/// The pause after a round that did not come to an end; each further one is twice as long, up to a greatest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const GREATEST_PAUSE: Duration = Duration::from_secs(30);
/// How soon to look again while another process tells.
const ELSEWHERE_PAUSE: Duration = Duration::from_secs(2);
/// How often to look for what another process has left.
const LOOK: Duration = Duration::from_secs(60);

/// Entries that are read at once where there is little time.
const AT_ONCE: usize = 8;

/// What a round came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Round {
    /// Nothing waits any more, of what was there.
    Done {
        /// How much was told.
        told: usize,
    },
    /// Something still waits.
    Unfinished {
        /// How much was told.
        told: usize,
        /// Why the rest was not.
        trouble: Error,
    },
    /// Another process is at it.
    Elsewhere,
}

/// News of one thing, and the entries that it stands in.
struct Batch {
    /// By their keys, as they were written.
    entries: Vec<(Key, Bytes)>,
    /// What they say together; or why one cannot be read.
    news: Result<News, String>,
}

/// Tells what waits in the outbox, in rounds.
#[derive(Debug)]
pub(crate) struct Courier {
    teller: Teller,
    outbox: Outbox,
    catalog: SharedCatalog,
    pub(crate) metrics: TrackingMetrics,
    /// Held during a round of this process.
    round: Mutex<()>,
    wanted: Notify,
    /// How much news this process has written, and how much of it has been seen told.
    written: AtomicU64,
    seen_told: AtomicU64,
}

impl Courier {
    pub(crate) fn new(teller: Teller, outbox: Outbox, catalog: SharedCatalog, metrics: TrackingMetrics) -> Self {
        let (round, wanted) = (Mutex::default(), Notify::new());
        let (written, seen_told) = (AtomicU64::default(), AtomicU64::default());
        Self { teller, outbox, catalog, metrics, round, wanted, written, seen_told }
    }

    pub(crate) fn server(&self) -> String {
        self.teller.server()
    }

    /// Says that there is news.
    pub(crate) fn wake(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
        self.wanted.notify_one();
    }

    /// Whether this process has nothing to tell, and is not telling.
    pub(crate) fn is_idle(&self) -> bool {
        let all_told = self.seen_told.load(Ordering::Relaxed) >= self.written.load(Ordering::Relaxed);
        all_told && self.round.try_lock().is_ok()
    }

    /// Waits for the end of a round under way.
    pub(crate) async fn between_rounds(&self) {
        drop(self.round.lock().await);
    }

    /// Goes on telling, round after round.
    pub(crate) async fn keep_telling(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.round(None).await {
                Round::Done { .. } => {
                    pause = FIRST_PAUSE;
                    // Whichever comes first: news of this process, or the time to look for another's.
                    let _ = tokio::time::timeout(LOOK, self.wanted.notified()).await;
                }
                Round::Elsewhere => tokio::time::sleep(ELSEWHERE_PAUSE).await,
                Round::Unfinished { .. } => {
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(GREATEST_PAUSE);
                }
            }
        }
    }

    /// Tells what waits. After the moment `until` nothing more is begun, and no answer is waited for.
    pub(crate) async fn round(&self, until: Option<Instant>) -> Round {
        let _alone = self.round.lock().await;
        // What is written from now on may come too late for this round, which may also be cut off at any await.
        let written = self.written.load(Ordering::Relaxed);
        let round = match self.try_round(until).await {
            Ok(Some(round)) => round,
            Ok(None) => {
                self.metrics.waiting.set(0);
                self.seen_told.store(written, Ordering::Relaxed);
                return Round::Done { told: 0 };
            }
            Err(trouble) => Round::Unfinished { told: 0, trouble },
        };
        if matches!(round, Round::Done { .. }) {
            self.seen_told.store(written, Ordering::Relaxed);
        }
        self.note(&round).await;
        round
    }

    /// A round, if anything waits.
    async fn try_round(&self, until: Option<Instant>) -> Result<Option<Round>, Error> {
        if self.outbox.page(None).await?.is_empty() {
            return Ok(None);
        }
        let holder = Uuid::now_v7().to_string();
        let lease = match self.catalog.acquire_lease(LEASE, &holder, Timestamp::now()).await? {
            Acquired::Granted { lease, .. } => lease,
            Acquired::Held(_) => return Ok(Some(Round::Elsewhere)),
        };
        let round = while_held(&self.catalog, lease.clone(), self.tell_all(until)).await;
        // One that was lost is no longer ours to give back, and nothing happens.
        self.catalog.release_lease(&lease).await?;
        Ok(Some(round.unwrap_or(Round::Elsewhere)))
    }

    /// Tells what waits, page by page, oldest first.
    async fn tell_all(&self, until: Option<Instant>) -> Round {
        let teller = self.teller.until(until);
        let (mut told, mut waits, mut after) = (0, None, None);
        loop {
            let page = match self.outbox.page(after.as_ref()).await {
                Ok(page) => page,
                Err(trouble) => return Round::Unfinished { told, trouble },
            };
            let Some(last) = page.last().cloned() else { break };
            after = Some(last);
            // In little time a whole page could not even be read.
            let at_once = if until.is_some() { AT_ONCE } else { page.len() };
            for keys in page.chunks(at_once) {
                if until.is_some_and(|until| until < Instant::now()) {
                    return Round::Unfinished { told, trouble: Error::OutOfTime };
                }
                match self.tell_keys(&teller, keys, &mut told).await {
                    Ok(None) => {}
                    Ok(Some(trouble)) => waits = Some(trouble),
                    Err(trouble) => return Round::Unfinished { told, trouble },
                }
            }
        }
        match waits {
            None => Round::Done { told },
            Some(trouble) => Round::Unfinished { told, trouble },
        }
    }

    /// Tells the news of some entries. Returns why some of it goes on waiting, where that keeps nothing else from being told.
    async fn tell_keys(&self, teller: &Teller, keys: &[Key], told: &mut usize) -> Result<Option<Error>, Error> {
        let mut waits = None;
        for batch in self.batches(keys).await? {
            let telling = match &batch.news {
                Ok(news) => teller.tell(news).await,
                Err(unreadable) => Err(Error::Untellable(unreadable.clone())),
            };
            let Err(trouble) = telling else {
                for (key, _) in &batch.entries {
                    self.outbox.take(key).await?;
                }
                *told += batch.entries.len();
                self.metrics.told.inc_by(batch.entries.len() as u64);
                continue;
            };
            match trouble.consequence() {
                Consequence::Stop => return Err(trouble),
                Consequence::Wait => waits = Some(trouble),
                Consequence::SetAside => self.set_aside(&batch, &trouble).await?,
            }
        }
        Ok(waits)
    }

    async fn set_aside(&self, batch: &Batch, trouble: &Error) -> Result<(), Error> {
        let reason = trouble.chain();
        tracing::error!(error = reason, news = ?batch.news, "set aside: MLflow is not told of this");
        for (key, entry) in &batch.entries {
            self.outbox.set_aside(key, entry, &reason).await?;
            self.metrics.refused.inc();
        }
        Ok(())
    }

    /// The news of entries, that of one thing together, in the order of the first entry of each.
    async fn batches(&self, keys: &[Key]) -> Result<Vec<Batch>, Error> {
        let mut batches: Vec<Batch> = Vec::new();
        for key in keys {
            let Some(Entry { bytes, news }) = self.outbox.read(key).await? else { continue };
            let entry = (key.clone(), bytes);
            let same = batches.iter_mut().find(|batch| match (&batch.news, &news) {
                (Ok(known), Ok(news)) => known.is_of_the_same(news),
                _ => false,
            });
            match same {
                Some(batch) => {
                    batch.entries.push(entry);
                    batch.news = batch.news.clone().and_then(|known| Ok(known.with(news?)));
                }
                None => batches.push(Batch { entries: vec![entry], news }),
            }
        }
        Ok(batches)
    }

    /// Writes down what a round came to, for `pappus status`, and for the log where it is something new.
    async fn note(&self, round: &Round) {
        let trouble = match round {
            Round::Elsewhere => return,
            Round::Unfinished { trouble: Error::OutOfTime, .. } => return self.count().await,
            Round::Done { .. } => None,
            Round::Unfinished { trouble, .. } => Some(trouble.chain()),
        };
        self.count().await;
        let known = self.outbox.state().await.unwrap_or_default();
        match &trouble {
            Some(trouble) => {
                self.metrics.failures.inc();
                if known.trouble.as_ref() == Some(trouble) {
                    tracing::debug!(error = trouble, "MLflow is told later");
                } else {
                    tracing::warn!(error = trouble, "MLflow is told later: `pappus status` says how much waits");
                }
            }
            None if known.trouble.is_some() => tracing::info!("MLflow has been told all that waited"),
            None => {}
        }
        let state = State { tried_at: Some(Timestamp::now()), trouble };
        if let Err(error) = self.outbox.write_state(&state).await {
            tracing::debug!(error = error.chain(), "how MLflow was told could not be written down");
        }
    }

    async fn count(&self) {
        if let Ok((waiting, _)) = self.outbox.waiting().await {
            self.metrics.waiting.set(waiting.try_into().unwrap_or(i64::MAX));
        }
    }
}
