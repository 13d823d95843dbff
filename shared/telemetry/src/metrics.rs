//! One registry of metrics a process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// The registry of a process. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// The content type of what [`Metrics::text`] returns.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// A registry that puts these labels on every metric.
    pub fn new(labels: Vec<(&'static str, String)>) -> Self {
        let labels = labels.into_iter().map(|(label, value)| (label.into(), value.into()));
        Self(Arc::new(Mutex::new(Registry::with_labels(labels))))
    }

    /// Lets a function register its metrics.
    pub fn register<T>(&self, registering: impl FnOnce(&mut Registry) -> T) -> T {
        registering(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All metrics as OpenMetrics text.
    ///
    /// # Errors
    /// Fails only where a metric cannot write itself.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}
