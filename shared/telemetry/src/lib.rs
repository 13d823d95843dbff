//! Logs and metrics, the same for every function.
//!
//! Logs go to standard error, so that standard output belongs to what a program answers. Metrics are kept in one
//! [`Metrics`] registry a process and read as OpenMetrics text, which Prometheus scrapes.

mod logs;
mod metrics;

pub use logs::{LogError, LogFormat, init_logs};
pub use metrics::Metrics;
