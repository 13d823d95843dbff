//! What a process counts of its telling.

use pappus_telemetry::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

#[derive(Clone, Debug, Default)]
pub(crate) struct TrackingMetrics {
    /// As the last round of this process left it.
    pub(crate) waiting: Gauge,
    pub(crate) told: Counter,
    pub(crate) failures: Counter,
    pub(crate) refused: Counter,
    pub(crate) lost: Counter,
}

impl TrackingMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let all = Self::default();
        let copy = all.clone();
        metrics.register(|registry| {
            registry.register("tracking_waiting", "News that MLflow is still to be told", copy.waiting);
            registry.register("tracking_told", "News that MLflow was told", copy.told);
            registry.register("tracking_failures", "Rounds of telling that did not come to an end", copy.failures);
            registry.register("tracking_refused", "News that MLflow refused", copy.refused);
            registry.register("tracking_lost", "News that could not be written down", copy.lost);
        });
        all
    }
}
