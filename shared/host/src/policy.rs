//! The file that `PAPPUS_POLICY` names.

use std::fs;
use std::path::Path;

use pappus_domain::trigger::Policy;
use serde::Deserialize;

use crate::error::Error;

/// The most bytes of the file.
const LIMIT: u64 = 64 << 10;

/// What is in the file, each part with its defaults where it is not.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Policies {
    retraining: Policy,
}

/// Reads it.
pub(crate) fn read(path: &Path) -> Result<Policy, Error> {
    parse(path).map_err(|why| Error::Policy { path: path.into(), why })
}

fn parse(path: &Path) -> Result<Policy, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LIMIT {
        return Err(format!("it has {size} bytes, and at most {LIMIT} are read"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let Policies { retraining } = toml::from_str(&text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| 1 + before.matches('\n').count());
        line.map_or_else(|| error.message().to_owned(), |line| format!("line {line}: {}", error.message()))
    })?;
    retraining.check().map_err(|error| format!("[retraining]: {error}"))?;
    Ok(retraining)
}
