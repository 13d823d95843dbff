//! From a URL to a catalog.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::{Error, SharedCatalog, SqliteCatalog};

const WANTED: &str = "give `sqlite:///absolute/path`, `sqlite://relative/path`, or a server's: \
     `mysql://USER:PASSWORD@HOST:PORT/DATABASE` or `dynamodb://TABLE?region=REGION`";
#[cfg(not(feature = "mysql"))]
const NO_MYSQL: &str = "this build has no MySQL: make one that has with `cargo build -p pappus --features servers`, or give \
     `sqlite:///absolute/path` or `sqlite://relative/path`";
#[cfg(not(feature = "dynamodb"))]
const NO_DYNAMODB: &str = "this build has no DynamoDB: make one that has with `cargo build -p pappus --features servers`, \
     or give `sqlite:///absolute/path` or `sqlite://relative/path`";

/// Opens the catalog that a URL names: `sqlite:///absolute/path` or `sqlite://relative/path` (from the current
/// directory), a file that is made, with its directory, where it is missing; or, in a build with those features,
/// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, whose tables are made where they are missing, or
/// `dynamodb://TABLE?region=REGION`, a table that is made where it is missing.
///
/// # Errors
/// [`Error::BadUrl`] where the URL names no such catalog; as `open` of [`SqliteCatalog`], `MySqlCatalog` or
/// `DynamoDbCatalog` otherwise.
pub async fn open(url: &str) -> Result<SharedCatalog, Error> {
    let (scheme, _) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        #[cfg(feature = "mysql")]
        "mysql" => Ok(Arc::new(crate::MySqlCatalog::open(url).await?)),
        #[cfg(not(feature = "mysql"))]
        "mysql" => Err(absent(scheme, NO_MYSQL)),
        #[cfg(feature = "dynamodb")]
        "dynamodb" => Ok(Arc::new(crate::DynamoDbCatalog::open(url).await?)),
        #[cfg(not(feature = "dynamodb"))]
        "dynamodb" => Err(absent(scheme, NO_DYNAMODB)),
        _ => Ok(Arc::new(SqliteCatalog::open(path_of(url)?).await?)),
    }
}

/// A URL as it may be shown: without the password, where it holds one.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // A file's name may have an `@` too.
    let Some((who, place)) = rest.rsplit_once('@').filter(|_| scheme != "sqlite") else { return url.into() };
    match (scheme, who.split_once(':')) {
        // What is no URL may be a secret from its first letter on.
        ("", _) => format!("…@{place}"),
        (_, Some((user, _))) => format!("{scheme}://{user}@{place}"),
        (_, None) => url.into(),
    }
}

/// A URL of a server may hold a password, which is no matter for a message.
#[cfg(not(all(feature = "dynamodb", feature = "mysql")))]
fn absent(scheme: &str, wanted: &'static str) -> Error {
    Error::BadUrl { held: format!("{scheme}:…"), wanted }
}

fn path_of(url: &str) -> Result<PathBuf, Error> {
    // What is behind a `?` may be a password too.
    let place = url.split_once('?').map_or(url, |(place, _)| place);
    let bad = || Error::BadUrl { held: shown(place).chars().take(200).collect(), wanted: WANTED };
    let encoded = url.strip_prefix("sqlite://").ok_or_else(bad)?;
    let path = percent_decode_str(encoded).decode_utf8().map_err(|_| bad())?;
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(bad());
    }
    Ok(PathBuf::from(path.as_ref()))
}
