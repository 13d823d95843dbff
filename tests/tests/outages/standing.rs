//! Homes that stand on servers of a test's own, and what is looked at in them.

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Ended, Home, Service, neighbour};

/// A server of the test's own, and a home that stands on it; none where it is not to be had, which has been said.
pub fn standing_on(name: &'static str) -> Result<Option<(Service, Home)>> {
    let Some(server) = server(name)? else { return Ok(None) };
    let home = Home::new()?.on(&server);
    Ok(Some((server, home)))
}

/// A server of the test's own; none where it is not to be had, which has been said.
pub fn server(name: &'static str) -> Result<Option<Service>> {
    if is_wanted(name) { Service::start(name, &[]) } else { Ok(None) }
}

/// Whether servers are wanted at all: where they are not, none is built.
pub fn is_wanted(name: &str) -> bool {
    let variable = match name {
        "minio" => "PAPPUS_TEST_S3",
        "mariadb" => "PAPPUS_TEST_MYSQL",
        _ => "PAPPUS_TEST_DYNAMODB",
    };
    neighbour(variable).is_some()
}

/// What a command says that has failed: the one line that is its last, after what may have been logged.
pub fn one_line(ended: Ended) -> Result<String> {
    let Ended { stderr, .. } = ended.expect(1)?;
    let last = stderr.lines().last().and_then(|line| line.strip_prefix("error: "));
    let line = last.with_context(|| format!("no reason: {stderr}"))?;
    ensure!(stderr.lines().filter(|line| line.starts_with("error: ")).count() == 1, "several reasons: {stderr}");
    Ok(line.to_owned())
}

/// How many images there are.
pub fn images(home: &Home) -> Result<u64> {
    home.json(&["status"])?["images"]["stored"].as_u64().context("a number of images")
}

/// How often the release has changed, by the ledger and by the release itself.
pub fn releases(home: &Home) -> Result<u64> {
    let status = home.json(&["status"])?;
    ensure!(status["ledger_entries"] == status["release"]["generation"], "an entry each: {status}");
    status["ledger_entries"].as_u64().context("a number of entries")
}

/// The version that answers.
pub fn champion(home: &Home) -> Result<String> {
    let status = home.json(&["status"])?;
    Ok(status["release"]["champion"].as_str().context("a champion")?.to_owned())
}
