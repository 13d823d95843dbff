//! From a URL to a store.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::{Error, LocalStore, MemoryStore, Objects};

const WANTED: &str = "give `file:///absolute/path`, `file://relative/path` or `memory:`";
const NO_S3: &str = "this build has no S3; give `file:///absolute/path`, `file://relative/path` or `memory:`";

/// Opens the store that a URL names: `file:///absolute/path`, `file://relative/path` (from the current directory;
/// either is made where it is missing) or `memory:` (empty, and gone with the last handle).
///
/// # Errors
/// [`Error::BadUrl`] where the URL names no such store; whatever hinders the use of its directory otherwise.
pub async fn open(url: &str) -> Result<Objects, Error> {
    if url == "memory:" {
        return Ok(Arc::new(MemoryStore::default()));
    }
    let path = path_of(url)?;
    Ok(Arc::new(LocalStore::open(path).await?))
}

fn path_of(url: &str) -> Result<PathBuf, Error> {
    let bad = |wanted| Error::BadUrl { held: url.chars().take(200).collect(), wanted };
    if url.starts_with("s3:") {
        return Err(bad(NO_S3));
    }
    let encoded = url.strip_prefix("file://").ok_or_else(|| bad(WANTED))?;
    let path = percent_decode_str(encoded).decode_utf8().map_err(|_| bad(WANTED))?;
    if path.is_empty() || path.contains('\0') {
        return Err(bad(WANTED));
    }
    Ok(PathBuf::from(path.as_ref()))
}
