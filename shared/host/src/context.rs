//! The neighbours of a function, opened.

use std::sync::Arc;

use pappus_catalog::SharedCatalog;
use pappus_objects::{Access, Objects};
use pappus_telemetry::Metrics;

use crate::disposition::Failure;
use crate::error::Error;
use crate::outgoing::Publisher;
use crate::settings::Settings;

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
}

impl Context {
    /// Opens the neighbours that the settings name.
    ///
    /// # Errors
    /// [`Error::Objects`], [`Error::Catalog`].
    pub async fn open(settings: Settings, events: Arc<dyn Publisher>) -> Result<Self, Error> {
        Ok(Self {
            objects: pappus_objects::open(&settings.objects).await?,
            catalog: pappus_catalog::open(&settings.catalog).await?,
            metrics: Metrics::new(settings.service.labels()),
            settings: Arc::new(settings),
            events,
        })
    }

    /// Whether the neighbours can be reached and used.
    ///
    /// # Errors
    /// With what is wrong with which.
    pub async fn check(&self) -> Result<(), Failure> {
        self.catalog.check().await?;
        self.objects.check(Access::Write).await?;
        Ok(())
    }
}
