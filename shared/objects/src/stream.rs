//! Objects that are read and written piece by piece, so that none need fit into memory.

use std::fmt;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};

use crate::error::Source;
use crate::{Error, Key};

/// An object that is being read.
pub struct Reading {
    /// Its size in bytes.
    pub size: u64,
    /// So many bytes in pieces of any size, all of one version of the object; or, where they cannot all be had, those
    /// that could and then an error.
    pub bytes: BoxStream<'static, Result<Bytes, Error>>,
}

/// An object that is being written.
pub struct Writing<'a> {
    /// Its size in bytes, where it is known beforehand: any other number of bytes is an error.
    pub size: Option<u64>,
    /// Its bytes, in pieces of any size. An error among them ends the write, and nothing is written.
    pub bytes: BoxStream<'a, Result<Bytes, Source>>,
}

impl Reading {
    /// An object whose bytes are here.
    pub(crate) fn of(bytes: Bytes) -> Self {
        let size = bytes.len() as u64;
        Self { size, bytes: futures::stream::iter([Ok(bytes)]).boxed() }
    }
}

/// What one store holds can be written to another.
impl From<Reading> for Writing<'_> {
    fn from(Reading { size, bytes }: Reading) -> Self {
        Self { size: Some(size), bytes: bytes.map(|piece| piece.map_err(Source::from)).boxed() }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("size", &self.size).finish_non_exhaustive()
    }
}

impl fmt::Debug for Writing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The pieces of an object that is being written, counted.
pub(crate) struct Counted<'a> {
    key: &'a Key,
    writing: Writing<'a>,
    count: u64,
}

impl<'a> Counted<'a> {
    pub(crate) const fn new(key: &'a Key, writing: Writing<'a>) -> Self {
        Self { key, writing, count: 0 }
    }

    /// The number of bytes so far.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The next piece, never an empty one; nothing once all have come.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let piece = match self.writing.bytes.next().await {
                None => return self.ended().map(|()| None),
                Some(Err(source)) => return Err(Error::SourceFailed { key: self.key.clone(), source }),
                Some(Ok(piece)) => piece,
            };
            self.count += piece.len() as u64;
            if self.writing.size.is_some_and(|size| self.count > size) {
                self.ended()?;
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    fn ended(&self) -> Result<(), Error> {
        match self.writing.size {
            Some(expected) if expected != self.count => {
                Err(Error::WrongSize { key: self.key.clone(), expected, found: self.count })
            }
            _ => Ok(()),
        }
    }
}
