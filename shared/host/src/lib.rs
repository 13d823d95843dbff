//! One application on any host: HTTP in, events in, events out.
//!
//! A function is an [`App`]: a router for HTTP and a handler for events. [`run`] gives it settings, neighbours and a
//! host. In this build the host is an HTTP server on the loopback address; an event comes as a CloudEvent by
//! `POST /events`.

mod app;
mod bus;
mod cloud_event;
mod context;
mod disposition;
mod error;
mod linger;
mod run;
mod server;
mod settings;
mod wrong_method;

pub use app::{App, OnEvent};
pub use bus::{Bus, Deliveries, Publisher};
pub use cloud_event::bus_routes;
pub use context::Context;
pub use disposition::{Dispose, Disposition, Failure, unknown_route};
pub use error::Error;
pub use run::run;
pub use server::{bind, serve, shutdown_signal};
pub use settings::Settings;
pub use wrong_method::wrong_method;
