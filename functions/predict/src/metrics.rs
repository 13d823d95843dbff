//! What is counted, under the names that dashboards of the reference system know.

use std::sync::atomic::AtomicU64;

use pappus_host::Context;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Predicted {
    pub(crate) model_version: String,
    pub(crate) predicted_class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Failed {
    pub(crate) error_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Loaded {
    pub(crate) model_version: String,
    pub(crate) model_name: String,
}

/// A step on the way from nothing to a model that answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Step {
    pub(crate) step: &'static str,
}

/// The metrics of predict.
#[derive(Clone, Debug)]
pub(crate) struct PredictMetrics {
    pub(crate) predictions: Family<Predicted, Counter>,
    pub(crate) duration: Histogram,
    pub(crate) errors: Family<Failed, Counter>,
    pub(crate) model: Family<Loaded, Gauge>,
    pub(crate) unlogged: Counter,
    pub(crate) unkept: Counter,
    pub(crate) model_start: Family<Step, Gauge<f64, AtomicU64>>,
    pub(crate) process_start: Gauge<f64, AtomicU64>,
}

/// The upper ends of the duration's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

impl PredictMetrics {
    pub(crate) fn register(context: &Context) -> Self {
        let metrics = Self {
            predictions: Family::default(),
            duration: Histogram::new(BUCKETS),
            errors: Family::default(),
            model: Family::default(),
            unlogged: Counter::default(),
            unkept: Counter::default(),
            model_start: Family::default(),
            process_start: Gauge::default(),
        };
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        metrics.process_start.set(started.map_or(0.0, |since| since.as_secs_f64()));
        let copy = metrics.clone();
        context.metrics.register(|registry| {
            registry.register("predictions", "Answers, by model version and class", copy.predictions);
            registry.register("prediction_duration_seconds", "From the bytes to the answer", copy.duration);
            registry.register("prediction_errors", "Requests without an answer, by reason", copy.errors);
            registry.register("model_info", "1 for the model that answers", copy.model);
            registry.register("predictions_unlogged", "Answers that the full log could not take", copy.unlogged);
            registry.register("images_unkept", "Images to be kept that could not be", copy.unkept);
            registry.register("model_start_seconds", "Where the time went to start the model", copy.model_start);
            registry.register("process_start_time_seconds", "When the process began", copy.process_start);
        });
        metrics
    }
}
