//! Tells people what happened: that a training failed, that a verdict is in, that another version answers.
//!
//! ```text
//! event + catalog ──▶ message ──▶ webhook ──▶ notifications/<event>/webhook.json
//!                        └──────▶ email ────▶ notifications/<event>/email.json
//! ```
//!
//! A message is a title and lines with the figures behind them. Each channel is told by itself, and what it was told is
//! written down, so that an event that comes again tells nothing twice.

mod app;
mod channel;
mod error;
mod message;
mod notify;
mod records;

pub use app::app;
pub use error::Error;
pub use message::Message;
pub use notify::{Notify, Tried};
