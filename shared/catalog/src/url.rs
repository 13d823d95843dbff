//! From a URL to a catalog.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::{Error, SharedCatalog, SqliteCatalog};

const WANTED: &str = "give `sqlite:///absolute/path` or `sqlite://relative/path`";
const NO_MYSQL: &str = "this build has no MySQL; give `sqlite:///absolute/path` or `sqlite://relative/path`";
const NO_DYNAMODB: &str = "this build has no DynamoDB; give `sqlite:///absolute/path` or `sqlite://relative/path`";

/// Opens the catalog that a URL names: `sqlite:///absolute/path` or `sqlite://relative/path` (from the current
/// directory). A file that is missing is made, with its directory.
///
/// # Errors
/// [`Error::BadUrl`] where the URL names no such catalog; as [`SqliteCatalog::open`] otherwise.
pub async fn open(url: &str) -> Result<SharedCatalog, Error> {
    let path = path_of(url)?;
    Ok(Arc::new(SqliteCatalog::open(path).await?))
}

fn path_of(url: &str) -> Result<PathBuf, Error> {
    // A URL of a server may hold a password, which is no matter for a message.
    let scheme = url.split(':').next().unwrap_or_default();
    let other = |wanted| Error::BadUrl { held: format!("{scheme}:…"), wanted };
    match scheme {
        "mysql" => return Err(other(NO_MYSQL)),
        "dynamodb" => return Err(other(NO_DYNAMODB)),
        _ => (),
    }
    let bad = || Error::BadUrl { held: url.chars().take(200).collect(), wanted: WANTED };
    let encoded = url.strip_prefix("sqlite://").ok_or_else(bad)?;
    let path = percent_decode_str(encoded).decode_utf8().map_err(|_| bad())?;
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(bad());
    }
    Ok(PathBuf::from(path.as_ref()))
}
