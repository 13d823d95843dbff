//! Answers: image in, class out.
//!
//! Reads the release row, loads the champion's package, proves it on its golden images, and answers with it until the
//! row names another; then that one is loaded beside it and takes over between two requests. Neither the catalog nor the
//! object store stands in the way of an answer: predictions are logged behind it, in batches.

mod api;
mod app;
mod error;
mod events;
mod feedback;
mod health;
mod kept;
mod log;
mod metrics;
mod retention;
mod serving;
mod spill;
mod upload;

pub use app::{Predict, app};
pub use error::Error;
pub use feedback::tell;
pub use log::PredictionLog;
pub use serving::{Live, Serving};
