//! Events for whoever launched a job: one JSON object a line of its standard output.

use std::io::Write as _;

use async_trait::async_trait;
use pappus_domain::Event;
use pappus_host::{Failure, Publisher};

use crate::error::Error;

/// Writes events to standard output.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

#[async_trait]
impl Publisher for Lines {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        let line = serde_json::to_string(&event).map_err(Error::from)?;
        // Whoever launched it may be gone; how it ended is in the catalog all the same.
        let _ = writeln!(std::io::stdout(), "{line}");
        Ok(())
    }
}
