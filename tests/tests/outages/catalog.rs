//! What a crash may do where the catalog is, whichever server holds it.

use anyhow::Result;
use pappus_tests::{Home, Service, Trained};

use crate::{awaited, crash};

/// What is said of one that is away when a command begins.
const AWAY: &str = "PAPPUS_CATALOG cannot be used: the catalog cannot be reached";
/// What is said of one that dies under a request, and of one that is away.
pub const SAYS: [&str; 2] = ["the catalog failed", AWAY];

/// Functions wait for it, and each release has happened once or not at all.
pub fn releasing(home: &Home, server: &mut Service) -> Result<()> {
    awaited::starting(home, server, AWAY)?;
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let said = crash::releasing(home, &trained, server)?;
    crash::each_names(&said, &["the catalog cannot be reached"])
}
