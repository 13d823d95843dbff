//! The rules of the domain, through its public interface. Numbers given as a reference were computed by other software,
//! which is named beside them.

// Outside of test functions too, a test may give up where its own material is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod data_set;
mod event;
mod lease;
mod material;
mod model;
mod names;
mod release;
mod report;
mod roc;
mod split;
mod statistics;
mod stored_shapes;
mod trigger;
mod validation;
mod verdict;
