//! The model that answers now, and how another takes over.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;

use pappus_domain::{ModelVersion, Release, Timestamp};
use pappus_host::{Context, Failure};
use pappus_inference::{Classifier, Package};
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
    /// The generation of the release that could not be followed, and why.
    fault: Option<(u64, ModelVersion, String)>,
}

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
            (None, Some((_, version, reason))) => {
                Err(Error::Unloadable { version: version.clone(), reason: reason.clone() })
            }
            (None, None) => Err(Error::NoModel),
        }
    }

    /// Why the release could not be followed, if so: the model before goes on answering meanwhile.
    pub fn fault(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.fault.as_ref().map(|(_, version, reason)| format!("version {version} cannot be loaded: {reason}"))
    }

    /// Follows the release row: loads what it names unless that answers already. Returns whether another model answers
    /// now. A version that could not be loaded is not tried again before the row changes, unless `again` is set.
    ///
    /// # Errors
    /// [`Error`]; the model before goes on answering.
    pub async fn follow(&self, again: bool) -> Result<bool, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let Some(release) = catalog.release(&settings.model).await? else { return Ok(false) };
        if self.is_settled(&release, again) {
            return Ok(false);
        }
        let _alone = self.loading.lock().await;
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
                self.write(|state| state.fault = Some((release.generation, version.clone(), reason.clone())));
                Err(Error::Unloadable { version, reason })
            }
        }
    }

    fn is_settled(&self, release: &Release, again: bool) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let answers = state.current.as_ref().is_some_and(|live| *live.version() == release.champion);
        let failed = state.fault.as_ref().is_some_and(|(generation, ..)| *generation == release.generation);
        answers || (failed && !again)
    }

    fn resident(&self, version: &ModelVersion) -> Option<Arc<Live>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.previous.clone().filter(|live| live.version() == version)
    }

    async fn load(&self, version: &ModelVersion) -> Result<Live, Error> {
        let package = Package::read(&*self.context.objects, &self.context.settings.model, version).await?;
        let workers = self.workers;
        let classifier = spawn_blocking(move || Classifier::start(package, workers)).await??;
        Ok(Live { classifier, loaded_at: Timestamp::now() })
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
