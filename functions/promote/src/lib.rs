//! Releases: which version answers.
//!
//! A release changes by compare-and-swap on its generation, together with an entry in the hash-chained ledger that says
//! who, when and why. Then, and only then, the others are told.

mod api;
mod app;
mod error;
mod release;

pub use app::app;
pub use error::Error;
pub use release::{By, Changed, Promote};
