//! From image bytes to probabilities: the one implementation that training and serving share.
//!
//! ```text
//! bytes ── decode ──▶ pixels ── resize ──▶ tensor ── Network ──▶ probabilities
//! ```
//!
//! [`Classifier`] is all of it on worker threads of its own, for a model package that has proved itself
//! ([`Package`]). The parts stand alone too: ingest decodes and hashes, training resizes and runs feature networks.

mod classifier;
mod decode;
mod error;
mod golden;
mod jpeg;
mod network;
mod package;
mod perceptual;
mod resize;
mod runtime;

pub use classifier::{Answer, Classifier, ClassifyError, StartTimes};
pub use decode::{DECODE, Limits, Pixels, decode};
pub use error::{Error, ImageError};
pub use golden::{Golden, GoldenImage};
pub use network::{FEATURES, Network, PROBABILITIES};
pub use package::{MAX_MODEL_BYTES, Package};
pub use perceptual::perceptual_hash;
pub use resize::{RESIZE, resize};
pub use runtime::{Runtime, opt_out_of_telemetry};
