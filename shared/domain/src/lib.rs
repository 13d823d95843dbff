//! Types and rules of an image classifier's life, without input or output.
//!
//! Everything that two functions must agree on is here: what an image, a data set, a run, a model, a release and a
//! prediction are, how they are named, which rules move them from one state to the next, and the statistics that
//! judge a model. Nothing here touches a disk, a socket or a clock: whoever calls passes the time in.

pub mod data_set;
pub mod digest;
pub mod event;
pub mod feedback;
pub mod image;
pub mod lease;
pub mod model;
pub mod perceptual;
pub mod prediction;
pub mod release;
pub mod run;
pub mod split;
pub mod stats;
pub mod trigger;
pub mod validation;
pub mod verdict;

pub use data_set::{DataSet, DataSetEntry, Split};
pub use digest::Digest;
pub use event::{Event, EventKind};
pub use feedback::Feedback;
pub use image::{Image, ImageFormat, ImageStatus};
pub use jiff::Timestamp;
pub use lease::Lease;
pub use model::{Manifest, ModelName, ModelVersion};
pub use perceptual::PerceptualHash;
pub use prediction::Prediction;
pub use release::Release;
pub use run::{Run, RunId, RunStatus};
pub use verdict::Verdict;
