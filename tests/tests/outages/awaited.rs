//! A server that is away when functions start.

use anyhow::Result;
use pappus_tests::{Function, Home, Service};

const SAYS: &str = "a neighbour does not answer yet: to be tried again";

/// Commands say that it is away; functions wait for it, say so, and come up when it does.
pub fn starting(home: &Home, server: &mut Service, names: &str) -> Result<()> {
    server.kill()?;
    let refusal = home.refusal(1, &["status"])?;
    assert!(refusal.contains(names), "{refusal}");
    let ingest = Function::start_waiting(home, "ingest", SAYS, || server.start_with(&[]).map(drop))?;
    server.kill()?;
    let predict = Function::start_waiting(home, "predict", SAYS, || server.start_with(&[]).map(drop))?;
    for function in [ingest, predict] {
        let log = function.log();
        let said = log.lines().find(|line| line.contains(SAYS)).unwrap_or_default();
        assert!(said.contains(names), "{log}");
        function.stop()?;
    }
    Ok(())
}
