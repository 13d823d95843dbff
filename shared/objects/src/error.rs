//! What can go wrong with a store, by what a caller can do about it.

use std::io;
use std::time::Duration;

use crate::key::Key;

/// Why a store did not do as it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object.
    #[error("there is no object `{key}`")]
    NotFound {
        /// The key.
        key: Key,
    },
    /// The key is taken and the write was not to overwrite.
    #[error("there is an object `{key}` already")]
    AlreadyExists {
        /// The key.
        key: Key,
    },
    /// The object is larger than the reader allows.
    #[error("object `{key}` has {size} bytes: at most {limit} are read here")]
    TooLarge {
        /// The key.
        key: Key,
        /// Its size in bytes.
        size: u64,
        /// The greatest size that was asked for, in bytes.
        limit: u64,
    },
    /// The object is not written: what was to be written ended in an error.
    #[error("object `{key}` is not written: what was to be written could not be read")]
    SourceFailed {
        /// The key.
        key: Key,
        /// Why it could not be read.
        #[source]
        source: Source,
    },
    /// The object is not written: another number of bytes came than was said.
    #[error("object `{key}` is not written: it was to have {expected} bytes, and {found} came")]
    WrongSize {
        /// The key.
        key: Key,
        /// The number of bytes that was said.
        expected: u64,
        /// The number of bytes that came, until it was clear.
        found: u64,
    },
    /// No URL lives so long, or so short.
    #[error("a signed URL lives from 1 second to 7 days, not {} seconds", .life.as_secs_f64())]
    LifeRefused {
        /// What was asked for.
        life: Duration,
    },
    /// The store cannot hold this key beside what it holds: another key must be chosen.
    #[error("object `{key}` cannot be stored: {why}")]
    KeyRefused {
        /// The key.
        key: Key,
        /// Why.
        why: &'static str,
        /// What the operating system or the server said, where it was asked.
        #[source]
        source: Option<Source>,
    },
    /// This process may not.
    #[error("{at} may not be used: allow this user to list, read and write it")]
    PermissionDenied {
        /// The object or place.
        at: String,
        /// What the operating system or the server said.
        #[source]
        source: Source,
    },
    /// No space is left.
    #[error("there is no space left for {at}: free some, or raise the quota, and try again")]
    Full {
        /// The object or place.
        at: String,
        /// What the operating system or the server said.
        #[source]
        source: Source,
    },
    /// There is no such bucket.
    #[error("there is no bucket for {at}: make it, or name another")]
    NoBucket {
        /// The object or place.
        at: String,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// The server does not take the credentials, or there are none.
    #[error("{at} cannot be used with these credentials: {why}")]
    Credentials {
        /// The object or place.
        at: String,
        /// What is wrong with them and what to do.
        why: &'static str,
        /// What the server said, or whoever was asked for credentials.
        #[source]
        source: Source,
    },
    /// The bucket is in another region.
    #[error("{at} is in another region: name {region} with `region=…`")]
    WrongRegion {
        /// The bucket.
        at: String,
        /// Its region, where it was told.
        region: String,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// The URL names no store that this build can open.
    #[error("`{held}` is no object store: {wanted}")]
    BadUrl {
        /// What was given.
        held: String,
        /// What may be given.
        wanted: &'static str,
    },
    /// The store has too much to do: the same again after a moment will do.
    #[error("{at} cannot be used now: too much is asked of it")]
    Busy {
        /// The object or place.
        at: String,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// What answers is no store, or of another kind than is known here.
    #[error("{at} does not answer as an object store does: see that the URL is right")]
    Unexpected {
        /// The object or place.
        at: String,
        /// What it answered.
        #[source]
        source: Source,
    },
    /// The store did not answer, or not as it should: trying again may help.
    #[error("{at} cannot be reached")]
    Unavailable {
        /// The object or place.
        at: String,
        /// Why.
        #[source]
        source: Source,
    },
}

/// What another library said.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// The error that an input or output error on `at`, such as ``object `a/b` ``, amounts to.
    pub(crate) fn from_io(at: impl Into<String>, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let at = at.into();
        let kind = source.kind();
        let source = source.into();
        match kind {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full { at, source },
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::PermissionDenied { at, source },
            _ => Self::Unavailable { at, source },
        }
    }
}
