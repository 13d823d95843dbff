//! Trainings, evaluations and releases, told to an MLflow 3 server over REST.
//!
//! Nobody waits for that server. A function says with [`Tracking::tell`] that something has changed; that is written down
//! as a small object under `tracking/outbox/`, and is all that a training or a release has to do with it. Later a courier
//! reads what the catalog and the object store say *then*, brings MLflow up to it, and takes the object away. What MLflow
//! refuses for good is set aside under `tracking/refused/`, with the reason.
//!
//! ```text
//!  function ──tell──▶ outbox ──▶ courier ──▶ MLflow
//!                    (objects)      ▲
//!                                   └── runs, models, evaluations, releases (catalog), packages (objects)
//! ```
//!
//! | here | in MLflow |
//! |---|---|
//! | model | experiment and registered model of that name |
//! | run | run, with parameters, metrics by step, tags, and the package of the version it made under `model/` |
//! | evaluation | metrics and tags of the run that made the version, and files under `evaluation/` |
//! | version | model version, with the tag `pappus.version` |
//! | release | aliases `champion` and `challenger` |

mod courier;
mod error;
mod metrics;
mod mlflow;
mod news;
mod outbox;
mod report;
mod server;
mod teller;
mod told;
mod tracking;

pub use courier::Round;
pub use error::Error;
pub use news::{Measure, News};
pub use report::{Refusal, Report};
pub use server::{Login, Server, WrongServer};
pub use tracking::{Sending, Tracking};
