//! Object storage behind one small trait: bytes under keys.
//!
//! [`open`] makes a store from a URL, `file:///path`, `s3://bucket` or `memory:`. Every implementation passes the same suite,
//! `contract` (a feature of that name).

mod bucket;
mod error;
mod key;
mod local;
mod memory;
#[cfg(feature = "s3")]
mod s3;
mod signed;
mod stream;
mod url;

#[cfg(feature = "contract")]
pub mod contract;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use bucket::Bucket;
pub use error::{Error, Source};
pub use key::{Key, NotAKey};
pub use local::LocalStore;
pub use memory::MemoryStore;
#[cfg(feature = "s3")]
pub use s3::{Credentials, S3Store};
pub use signed::{Allowed, SignedUrl};
pub use stream::{Reading, Writing};
pub use url::{open, place};

/// A store that any thread may use.
pub type Objects = Arc<dyn ObjectStore>;

/// What a write does where the key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Replaces what is there.
    Overwrite,
    /// Fails with [`Error::AlreadyExists`].
    IfAbsent,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
}

/// What a process wants of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read what is there.
    Read,
    /// To read and to write.
    Write,
}

/// Bytes under keys. A write is atomic and durable when it returns: a reader sees all of it or nothing, also after a
/// crash. One that is dropped before it returns leaves nothing, unless it was about to return.
#[async_trait]
pub trait ObjectStore: Send + Sync + Debug {
    /// Writes an object.
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error>;

    /// Writes an object piece by piece, in bounded memory, and returns its size in bytes. [`Error::SourceFailed`] where
    /// the pieces end in an error, [`Error::WrongSize`] where they are not as many bytes as was said.
    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error>;

    /// Reads an object, if it has at most `limit` bytes; [`Error::TooLarge`] before anything is read otherwise.
    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error>;

    /// Reads an object piece by piece, in bounded memory.
    async fn get_stream(&self, key: &Key) -> Result<Reading, Error>;

    /// What is known of an object.
    async fn head(&self, key: &Key) -> Result<Meta, Error>;

    /// Removes an object; removing what is not there is no error.
    async fn delete(&self, key: &Key) -> Result<(), Error>;

    /// The objects whose keys begin with `prefix`, in order of their keys, at most `limit`, those after `after`.
    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error>;

    /// A URL that lets whoever has it at an object for `life`, whether there is one or not; `None` where the store
    /// speaks no HTTP. [`Error::LifeRefused`] where no URL lives so long.
    async fn sign(&self, key: &Key, allowed: Allowed, life: Duration) -> Result<Option<SignedUrl>, Error>;

    /// The bucket that it is, or is a part of, where it is one: those who tell of objects name them so.
    fn bucket(&self) -> Option<Bucket<'_>>;

    /// Whether the store can be reached and used so.
    async fn check(&self, access: Access) -> Result<(), Error>;
}
