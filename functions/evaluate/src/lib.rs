//! Judges a candidate against the champion, on the same test images, through the pipeline that serves.
//!
//! The verdict is a list of gates with their figures (`pappus_domain::verdict`). It is written to the catalog and, with
//! everything measured, to `evaluations/<model>/<version>/<data set>/report.json`, with plots beside it.

mod api;
mod app;
mod error;
mod judge;
mod plots;
mod score;

pub use app::app;
pub use error::Error;
pub use judge::Evaluate;
