//! Plots of what is measured about a model: domain types in, SVG text and PNG bytes out.
//!
//! Nothing is read or written here, and the same figures make the same bytes. Numbers that are none are left out; they
//! never panic.

mod bitmap;
mod caption;
mod chart;
mod classes;
mod confusion;
mod error;
mod evaluation;
mod font;
mod mistakes;
mod names;
mod page;
mod reliability;
mod roc;
mod sheet;
mod style;
mod thumbnail;
mod training;

pub use classes::classes;
pub use confusion::confusion;
pub use error::Error;
pub use evaluation::{EvaluationPlot, Findings};
pub use mistakes::{MISTAKES, Tile, mistakes};
pub use reliability::reliability;
pub use roc::roc;
pub use sheet::Drawing;
pub use thumbnail::Thumbnail;
pub use training::training;

/// The name of a training's plot, as [`EvaluationPlot::name`] has those of an evaluation.
pub const TRAINING: &str = "training";
