//! One application on any host: HTTP in, events in, events out.
//!
//! A function is an [`App`]: a router for HTTP and a handler for events. [`run`] gives it settings, neighbours and a
//! host: AWS Lambda where its runtime API is (feature `aws`), else an HTTP server, as Knative wants one. Whatever
//! triggers it becomes an event on the way in; what follows is published, or goes back to whoever asked ([`Outlet`]).
//!
//! ```text
//!  CloudEvents, S3, MinIO, SQS, EventBridge, Kafka, Alertmanager        HTTP
//!                           │ incoming                                    │
//!                           ▼                                             ▼
//!                    App::on_event ──▶ outgoing: Knative sink,       App::router
//!                                      EventBridge, bus, answer
//! ```

mod app;
mod caller;
mod connection;
mod context;
mod disposition;
mod error;
mod handling;
mod hosted;
mod incoming;
mod keys;
#[cfg(feature = "aws")]
mod lambda;
mod launch;
mod linger;
mod notify;
mod outgoing;
mod policy;
mod run;
#[cfg(feature = "runtime-api")]
mod runtime_api;
mod server;
mod settings;
mod shown;
mod together;
mod wrong_method;

pub use app::{App, OnEvent, Outcome};
pub use caller::{Asker, Labeller, Operator, Reader, local};
pub use context::Context;
pub use disposition::{Dispose, Disposition, Failure};
pub use error::Error;
pub use hosted::Hosted;
pub use keys::{Holder, Keys, NewKey, NotARole, NotKeys, Role};
pub use launch::{JobTemplate, LambdaFunction, Launch};
pub use notify::{Email, Encryption, Notify, Webhook};
#[cfg(feature = "aws")]
pub use outgoing::EventBridge;
pub use outgoing::{Bus, Deliveries, KnativeSink, Outlet, Publisher};
pub use pappus_objects::Access;
pub use run::{end, run};
#[cfg(feature = "runtime-api")]
pub use runtime_api::{Invoked, RuntimeApi};
pub use server::{bind, serve, shutdown_signal};
pub use settings::{EventBus, Events, Host, Service, Settings};
pub use together::Together;
