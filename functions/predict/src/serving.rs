//! The model that answers now, and how another takes over.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use pappus_domain::{ModelVersion, Release, Timestamp};
use pappus_host::{Context, Failure};
use pappus_inference::{Classifier, Package, StartTimes};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::error::Error;

/// A model at work.
#[derive(Debug)]
pub struct Live {
    /// The model.
    pub classifier: Classifier,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// How long it took to read its package.
    pub reading: Duration,
}

impl Live {
    /// The version.
    pub fn version(&self) -> &ModelVersion {
        &self.classifier.manifest().version
    }
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<Live>>,
    /// The one before stays loaded, so that a rollback is one flip of a pointer.
    previous: Option<Arc<Live>>,
    fault: Option<Fault>,
    /// When the release row was last asked for.
    followed: Option<Instant>,
}

/// A release that could not be followed.
#[derive(Debug)]
struct Fault {
    generation: u64,
    version: ModelVersion,
    reason: String,
    at: Instant,
}

/// How long a version that could not be loaded is left alone: the store may come back.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Follows the release row.
pub struct Serving {
    context: Context,
    state: RwLock<State>,
    /// Held while a model is loaded, so that two never load at once.
    loading: Mutex<()>,
    workers: usize,
}

impl Serving {
    /// Nothing is loaded yet.
    pub fn new(context: Context) -> Self {
        let workers = available_parallelism().map_or(1, usize::from);
        Self { context, state: RwLock::default(), loading: Mutex::default(), workers }
    }

    /// The model that answers now.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Unloadable`].
    pub fn current(&self) -> Result<Arc<Live>, Error> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match (&state.current, &state.fault) {
            (Some(live), _) => Ok(live.clone()),
            (None, Some(Fault { version, reason, .. })) => {
                Err(Error::Unloadable { version: version.clone(), reason: reason.clone() })
            }
            (None, None) => Err(Error::NoModel),
        }
    }

    /// Why the release could not be followed, if so: the model before goes on answering meanwhile.
    pub fn fault(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state
            .fault
            .as_ref()
            .map(|Fault { version, reason, .. }| format!("version {version} cannot be loaded: {reason}"))
    }

    /// When the release row was last asked for.
    pub fn last_followed(&self) -> Option<Instant> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).followed
    }

    /// Follows the release row: loads what it names unless that answers already. Returns whether another model answers
    /// now. A version that could not be loaded is left alone for a while, unless `again` is set.
    ///
    /// # Errors
    /// [`Error`]; the model before goes on answering.
    pub async fn follow(&self, again: bool) -> Result<bool, Error> {
        let Context { catalog, settings, .. } = &self.context;
        // Before the answer, for a catalog that hangs is not to be asked by everybody.
        self.write(|state| state.followed = Some(Instant::now()));
        let Some(release) = catalog.release(&settings.model).await? else { return Ok(false) };
        if self.is_settled(&release, again) {
            return Ok(false);
        }
        let _alone = self.loading.lock().await;
        // Read anew: the row may have moved on while another was loading, and is not to be followed backwards.
        let Some(release) = catalog.release(&settings.model).await? else { return Ok(false) };
        if self.is_settled(&release, again) {
            return Ok(false);
        }
        if let Some(live) = self.resident(&release.champion) {
            self.flip(live);
            return Ok(true);
        }
        match self.load(&release.champion).await {
            Ok(live) => {
                self.flip(Arc::new(live));
                Ok(true)
            }
            Err(error) => {
                let failure = Failure::from(error);
                tracing::error!(version = %release.champion, error = %failure, "the released model cannot be loaded");
                let (version, reason) = (release.champion, failure.to_string());
                let fault = Fault {
                    generation: release.generation,
                    version: version.clone(),
                    reason: reason.clone(),
                    at: Instant::now(),
                };
                self.write(|state| state.fault = Some(fault));
                Err(Error::Unloadable { version, reason })
            }
        }
    }

    fn is_settled(&self, release: &Release, again: bool) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.current.as_ref().is_some_and(|live| *live.version() == release.champion) {
            let has_fault = state.fault.is_some();
            drop(state);
            if has_fault {
                // The release that could not be followed has been taken back.
                self.write(|state| state.fault = None);
            }
            return true;
        }
        let failed = |fault: &Fault| fault.generation == release.generation && fault.at.elapsed() < TRY_AGAIN;
        state.fault.as_ref().is_some_and(failed) && !again
    }

    fn resident(&self, version: &ModelVersion) -> Option<Arc<Live>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.previous.clone().filter(|live| live.version() == version)
    }

    async fn load(&self, version: &ModelVersion) -> Result<Live, Error> {
        let begun = Instant::now();
        let package = Package::read(&*self.context.objects, &self.context.settings.model, version).await?;
        let reading = begun.elapsed();
        let workers = self.workers;
        let classifier = spawn_blocking(move || Classifier::start(package, workers)).await??;
        let StartTimes { library, session, first_runs } = classifier.start_times();
        tracing::info!(%version, ?library, ?reading, ?session, ?first_runs, total = ?begun.elapsed(), "loaded and proved");
        Ok(Live { classifier, loaded_at: Timestamp::now(), reading })
    }

    fn flip(&self, live: Arc<Live>) {
        tracing::info!(version = %live.version(), "answering");
        self.write(|state| {
            state.previous = state.current.replace(live);
            state.fault = None;
        });
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}
