//! Whether to train now: a pure function of counted facts, of what asks, and of a policy.

mod decision;
mod facts;
mod policy;
mod record;

pub use decision::{Decision, Hindrance, Reason};
pub use facts::{Cause, Facts, MeanConfidence};
pub use policy::{ANSWERS, BadPolicy, Policy, Schedule};
pub use record::{DecisionId, DecisionRecord};
