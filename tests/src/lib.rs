//! Whole-system tests: the real program, in processes of its own, with real sockets and real signals.
//!
//! A [`Home`] is a folder in which the program is run; [`Running`] is one that has not ended yet, and [`Up`] a server;
//! [`Function`] is one function in a process of its own, [`Lambda`] one that is hosted by AWS Lambda, and [`Broker`] stands
//! between several; [`Service`] is a server that functions stand on, and [`Proxy`] a slow way to one; [`Trained`] is a home with two released versions, made once a test binary and copied for each test.

mod broker;
mod disk;
mod fleet;
mod function;
mod home;
mod http;
mod lambda;
mod mlflow;
mod neighbours;
pub mod pictures;
mod program;
mod proxy;
mod running;
mod service;
mod trained;
mod up;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

pub use broker::Broker;
pub use disk::Disk;
pub use fleet::Fleet;
pub use function::Function;
pub use home::Home;
pub use http::{Answer, multipart};
pub use lambda::Lambda;
pub use mlflow::Mlflow;
pub use neighbours::{Database, neighbour, place, unique};
pub use program::runtime;
pub use proxy::Proxy;
pub use running::{Ended, Running};
pub use service::Service;
pub use trained::Trained;
pub use up::Up;

/// How long anything may take. Generous: it only ever ends a test that has failed.
pub const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to be seen.
///
/// # Errors
/// What `look` fails with; and where nothing is seen before the deadline.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if begun.elapsed() > DEADLINE {
            bail!("{what}: not within {} seconds", DEADLINE.as_secs());
        }
        std::thread::sleep(PAUSE);
    }
}
