//! The training job: data set in, model package out.
//!
//! ```text
//! labelled images ──freeze──▶ data set ──▶ recipes ──extract, cross-validate──▶ the best ──fit──▶ package
//! ```
//!
//! One training a model at a time, under a lease that a dying job lets run out. State is written before anybody is
//! told: data set, package, model row, run row, event. Whatever a job that was cut off has left is either whole or not
//! there, and the next training begins anew, with the cached features of a pretrained network.

mod app;
mod backbone_file;
mod cache;
mod candidates;
mod ended;
mod error;
mod extract;
mod fit;
mod freeze;
mod job;
mod learn;
mod lines;
mod pixels;
mod plots;
mod progress;
mod publish;
mod report;

pub use app::app;
pub use backbone_file::Backbone;
pub use ended::Ended;
pub use error::Error;
pub use job::{Train, Trained};
pub use lines::Lines;
pub use progress::{Progress, Step};
