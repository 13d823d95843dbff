//! Candidates to images, on all cores, in a bounded space.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures::stream::{self, StreamExt as _};
use pappus_catalog::{Added, OnConflict};
use pappus_domain::image::Label;
use pappus_host::Context;
use pappus_inference::Limits;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::candidate::{Candidate, Content};
use crate::error::Error;
use crate::fetch::Fetcher;
use crate::folder;
use crate::intake::Intake;
use crate::manifest::{LineFault, Manifest};
use crate::recorder::record;
use crate::summary::{Outcome, Summary};

/// How candidates are taken in.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What an image may be.
    pub limits: Limits,
    /// What to do with a known image that comes under another label.
    pub on_conflict: OnConflict,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), on_conflict: OnConflict::Keep }
    }
}

/// Candidates waiting between two stages of the pipeline.
const WAITING: usize = 64;
/// Downloads at once: they wait for the network, not for a core.
const DOWNLOADS: usize = 16;
/// Lines of a manifest that are recorded in one transaction, and pending sources that are read at once.
const PAGE: usize = 500;

/// What a manifest names.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Sources that are to be fetched.
    pub pending: u64,
    /// What became of those that are known already.
    pub known: Summary,
    /// The lines that name no source.
    pub faults: Vec<LineFault>,
}

/// The ingest stage.
#[derive(Clone)]
pub struct Ingest {
    intake: Intake,
    on_conflict: OnConflict,
    cores: usize,
}

impl Ingest {
    /// An ingest into the objects and catalog of `context`.
    pub fn new(context: Context, options: Options) -> Self {
        let Context { catalog, objects, .. } = context;
        let cores = available_parallelism().map_or(1, usize::from);
        let (limits, fetcher) = (options.limits, Fetcher::new());
        let intake = Intake { catalog, objects, limits, fetcher, cores: Arc::new(Semaphore::new(cores)) };
        Self { intake, on_conflict: options.on_conflict, cores }
    }

    /// Takes in a file or a folder (see [`folder::paths`]).
    ///
    /// # Errors
    /// [`Error`]; what was taken in before stays.
    pub async fn path(
        &self,
        path: &Path,
        label: Option<Label>,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<Summary, Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let candidates = folder::paths(path, label);
        let walk = spawn_blocking(move || {
            for candidate in candidates {
                // The receiver is gone only if the ingest stopped.
                if sender.blocking_send(candidate).is_err() {
                    break;
                }
            }
        });
        // Several a core: while one is decoded, others are read and written.
        let summary = self.run(receiver, 4 * self.cores, progress).await?;
        walk.await?;
        Ok(summary)
    }

    /// Takes in one object that has been read already.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn one(&self, candidate: Candidate) -> Result<Summary, Error> {
        let (sender, receiver) = mpsc::channel(1);
        // The channel has room for one, and its other end is here.
        let _ = sender.try_send(Ok(candidate));
        drop(sender);
        self.run(receiver, 1, |_| {}).await
    }

    /// Takes in images at URLs: those that were not fetched before, and those whose bytes were lost.
    ///
    /// # Errors
    /// [`Error`]; what was taken in before stays.
    pub async fn sources(&self, sources: Vec<(String, Label)>) -> Result<Summary, Error> {
        let mut conflicts = Summary::default();
        let added = self.intake.catalog.add_sources(&sources, self.on_conflict).await?;
        let (sender, receiver) = mpsc::channel(sources.len().max(1));
        for ((url, label), added) in sources.into_iter().zip(added) {
            let origin = url.clone();
            let content = match added {
                Added::Pending => Content::Source(url),
                Added::Stored(image) => Content::Fetched { url, image },
                Added::Conflict(kept) => {
                    conflicts.count(Outcome::conflict(url, kept), true);
                    continue;
                }
            };
            // There is room for each of them, and the other end is here.
            let _ = sender.try_send(Ok(Candidate { content, label: Some(label), origin }));
        }
        drop(sender);
        let mut summary = self.run(receiver, DOWNLOADS, |_| {}).await?;
        summary.add(conflicts);
        Ok(summary)
    }

    /// Records the lines of a manifest as sources to be fetched. What was fetched before is a known image that comes
    /// again, under the label of its line.
    ///
    /// # Errors
    /// [`Error`]; what was recorded before stays.
    pub async fn read_manifest(&self, path: &Path) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        let (sender, receiver) = mpsc::channel(WAITING);
        let reading = async {
            // Here, so that the end of the reading ends the run.
            let sender = sender;
            let mut page = Vec::with_capacity(PAGE);
            for line in Manifest::open(path)? {
                match line? {
                    Ok(source) => page.push(source),
                    Err(fault) => listed.faults.push(fault),
                }
                if page.len() == PAGE {
                    self.add_page(&mut page, &mut listed, &sender).await?;
                }
            }
            self.add_page(&mut page, &mut listed, &sender).await
        };
        let ((), known) = tokio::try_join!(reading, self.run(receiver, DOWNLOADS, |_| {}))?;
        listed.known.add(known);
        Ok(listed)
    }

    async fn add_page(
        &self,
        page: &mut Vec<(String, Label)>,
        listed: &mut Listed,
        known: &mpsc::Sender<Result<Candidate, Error>>,
    ) -> Result<(), Error> {
        let added = self.intake.catalog.add_sources(page, self.on_conflict).await?;
        let mut pending = BTreeSet::new();
        for ((url, label), added) in page.drain(..).zip(added) {
            match added {
                Added::Pending => {
                    pending.insert(url);
                }
                Added::Conflict(kept) => listed.known.count(Outcome::conflict(url, kept), true),
                Added::Stored(image) => {
                    let (origin, content) = (url.clone(), Content::Fetched { url, image });
                    // The receiver is gone only if the ingest stopped.
                    let _ = known.send(Ok(Candidate { content, label: Some(label), origin })).await;
                }
            }
        }
        listed.pending += pending.len() as u64;
        Ok(())
    }

    /// Fetches every pending source, those of an earlier manifest that was cut off too.
    ///
    /// # Errors
    /// [`Error`]; what was fetched before stays.
    pub async fn fetch_pending(&self, progress: impl Fn(u64) + Send + 'static) -> Result<Summary, Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let catalog = self.intake.catalog.clone();
        let reading = tokio::spawn(async move {
            let mut after: Option<String> = None;
            loop {
                let page = catalog.pending_sources(after.as_deref(), PAGE).await?;
                let Some(last) = page.last() else { return Ok::<(), Error>(()) };
                after = Some(last.url.clone());
                for source in page {
                    let (origin, label) = (source.url.clone(), Some(source.label));
                    let candidate = Candidate { content: Content::Source(source.url), label, origin };
                    if sender.send(Ok(candidate)).await.is_err() {
                        return Ok(());
                    }
                }
            }
        });
        let summary = self.run(receiver, DOWNLOADS, progress).await?;
        reading.await??;
        Ok(summary)
    }

    async fn run(
        &self,
        mut candidates: mpsc::Receiver<Result<Candidate, Error>>,
        at_once: usize,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<Summary, Error> {
        let intake = self.intake.clone();
        let (sender, receiver) = mpsc::channel(WAITING);
        let recording = tokio::spawn(record(intake.catalog.clone(), receiver, self.on_conflict, progress));
        // In the order in which they came, so that of two equal images the first is the one that is kept. Each is a task,
        // which goes on while this waits for the recorder: one that did not would keep a connection to the catalog, and
        // a few of them all that there are, so that the recorder would wait for them too.
        let mut taken = stream::poll_fn(move |task| candidates.poll_recv(task))
            .map(|candidate| {
                let intake = intake.clone();
                let taking = async move { intake.take(candidate?).await };
                AbortOnDropHandle::new(tokio::spawn(taking.in_current_span()))
            })
            .buffered(at_once);
        let mut fault = None;
        while let Some(next) = taken.next().await {
            let sent = match next.map_err(Error::from).flatten() {
                Ok(taken) => sender.send(taken).await,
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            };
            // The recorder has stopped, and says why below.
            if sent.is_err() {
                break;
            }
        }
        drop((sender, taken));
        let summary = recording.await??;
        fault.map_or(Ok(summary), Err)
    }
}
