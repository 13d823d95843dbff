//! Decides whether to train now, and launches the job.
//!
//! A run is written to the catalog before anybody is told of it. The job itself takes the lease that makes it the only
//! training of its model, so a second launch does no harm, whoever starts it.

mod api;
mod app;
mod error;
mod job;
mod judging;
mod launcher;
mod supervisor;
mod trigger;

pub use app::{app, app_watching, app_with};
pub use error::Error;
pub use job::cancel;
#[cfg(feature = "kubernetes")]
pub use launcher::kubernetes;
#[cfg(feature = "lambda")]
pub use launcher::lambda;
pub use launcher::{Child, JobState, Launcher, ProcessLauncher, open};
pub use supervisor::{Supervisor, Telling};
pub use trigger::{Decided, Trigger, Wish};
