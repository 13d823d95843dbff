//! From a URL to a store.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::{Error, LocalStore, MemoryStore, Objects};

#[cfg(feature = "s3")]
const WANTED: &str = "give `file:///absolute/path`, `file://relative/path`, `s3://bucket/prefix?endpoint=…&region=…` or \
     `memory:`";
#[cfg(not(feature = "s3"))]
const WANTED: &str = "give `file:///absolute/path`, `file://relative/path` or `memory:`";
#[cfg(not(feature = "s3"))]
const NO_S3: &str = "this build has no S3: build one that has with `cargo build -p pappus --features servers`, or give \
     `file:///absolute/path`, `file://relative/path` or `memory:`";

/// Opens the store that a URL names: `file:///absolute/path`, `file://relative/path` (from the current directory;
/// either is made where it is missing), `s3://bucket/prefix?endpoint=…&region=…` (with the feature `s3`; nobody is asked
/// yet whether it is there) or `memory:` (empty, and gone with the last handle).
///
/// # Errors
/// [`Error::BadUrl`] where the URL names no such store; whatever hinders the use of its directory otherwise.
pub async fn open(url: &str) -> Result<Objects, Error> {
    if url == "memory:" {
        return Ok(Arc::new(MemoryStore::default()));
    }
    if url.starts_with("s3:") {
        #[cfg(feature = "s3")]
        return Ok(Arc::new(crate::S3Store::open(url, None).await?));
        #[cfg(not(feature = "s3"))]
        return Err(Error::BadUrl { held: shown(url), wanted: NO_S3 });
    }
    Ok(Arc::new(LocalStore::open(path_of(url)?).await?))
}

/// Where the objects whose keys begin with `prefix` are, for people: a path if the store that `url` names is a folder, else
/// the beginning of their keys.
pub fn place(url: &str, prefix: &str) -> String {
    match path_of(url) {
        Ok(root) => root.join(prefix).display().to_string(),
        Err(_) => prefix.into(),
    }
}

fn path_of(url: &str) -> Result<PathBuf, Error> {
    let bad = || Error::BadUrl { held: shown(url), wanted: WANTED };
    let encoded = url.strip_prefix("file://").ok_or_else(bad)?;
    let path = percent_decode_str(encoded).decode_utf8().map_err(|_| bad())?;
    if path.is_empty() || path.contains('\0') {
        return Err(bad());
    }
    Ok(PathBuf::from(path.as_ref()))
}

/// As much of a URL as is no secret: neither who is before an `@`, nor what is behind a `?`.
pub(crate) fn shown(url: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, ""), |(place, _)| (place, "?…"));
    let (scheme, rest) = place.split_once("://").unwrap_or(("", place));
    let rest = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("…@{host}"));
    let separator = if place.contains("://") { "://" } else { "" };
    format!("{scheme}{separator}{rest}{query}").chars().take(200).collect()
}
