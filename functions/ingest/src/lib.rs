//! Images in: validate, deduplicate, store, label.
//!
//! ```text
//! folder, file, manifest, object ──▶ candidate ──▶ [read, hash, decode, store: all cores] ──▶ catalog, in batches
//! ```
//!
//! An image's bytes are stored before its row is written, and both under the digest of the bytes. So an ingest that is
//! cut off leaves nothing wrong behind, and the same command again finishes the work. A bad image is quarantined with
//! the reason, and the rest goes on.

mod api;
mod app;
mod candidate;
mod error;
mod feedback;
mod fetch;
mod folder;
mod intake;
mod manifest;
mod pipeline;
mod recorder;
mod summary;

pub use app::app;
pub use candidate::{Candidate, Content};
pub use error::Error;
pub use feedback::take_feedback;
pub use folder::{count_files, paths};
pub use manifest::{LineFault, Manifest};
pub use pipeline::{Ingest, Listed, Options};
pub use summary::{Fate, Outcome, Summary};
