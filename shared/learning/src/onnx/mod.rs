//! Reading and writing ONNX files.
//!
//! [`Model`] is a file that has been checked to be one; [`GraphBuilder`] makes a new one, or adds to an existing one;
//! [`proto`] holds the messages themselves, [`attribute`] makes and reads the attributes of nodes.

pub mod attribute;
mod builder;
mod model;
mod names;
pub mod proto;
mod tensor;

pub use builder::{Dim, GraphBuilder};
pub use model::{MAX_BYTES, MAX_IR, Model, OPSETS};
pub use names::{Names, reads, rename};
pub use tensor::{floats_of, integers_of};
