//! Learning, as pure computation: bytes and matrices in, ONNX bytes out, no files and no network.
//!
//! The `transfer` recipe in four steps: [`backbone`] turns any ImageNet network into an extractor of features,
//! [`validate`] chooses how strongly to regularise, [`Head`] fits a softmax classifier to the features, and [`assemble`]
//! splices the two into the one `model.onnx` that is served. [`onnx`] reads and writes the files.

mod assemble;
pub mod backbone;
pub mod dictionary;
mod error;
mod head;
mod matrix;
pub mod onnx;
pub mod validate;

pub use assemble::{CLASSES, assemble};
pub use backbone::{BackboneOptions, Extractor};
pub use dictionary::{DictionaryOptions, LayerOptions};
pub use error::Error;
pub use head::{FitOptions, Head, Scaling};
pub use matrix::Matrix;
pub use validate::{Chosen, Plan, Samples, Score, Views};
