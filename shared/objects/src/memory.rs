//! Objects in memory, for tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::stream::Counted;
use crate::{Access, Allowed, Bucket, Error, Key, Meta, ObjectStore, PutMode, Reading, SignedUrl, Writing};

/// Objects in memory: gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<Key, Bytes>>,
}

impl MemoryStore {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Bytes>> {
        // Nothing that holds the lock leaves the map half changed, so a panic elsewhere does not spoil it.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &Key) -> Result<Bytes, Error> {
        self.objects().get(key).cloned().ok_or_else(|| Error::NotFound { key: key.clone() })
    }
}

fn meta(key: &Key, bytes: &Bytes) -> Meta {
    Meta { key: key.clone(), size: bytes.len() as u64 }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        match self.objects().entry(key.clone()) {
            Entry::Occupied(_) if mode == PutMode::IfAbsent => Err(Error::AlreadyExists { key: key.clone() }),
            entry => {
                entry.insert_entry(bytes);
                Ok(())
            }
        }
    }

    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error> {
        let mut pieces = Counted::new(key, writing);
        let mut bytes = BytesMut::new();
        while let Some(piece) = pieces.next().await? {
            bytes.extend_from_slice(&piece);
        }
        self.put(key, bytes.freeze(), mode).await?;
        Ok(pieces.count())
    }

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        let bytes = self.find(key)?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(Error::TooLarge { key: key.clone(), size, limit });
        }
        Ok(bytes)
    }

    async fn get_stream(&self, key: &Key) -> Result<Reading, Error> {
        self.find(key).map(Reading::of)
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.find(key).map(|bytes| meta(key, &bytes))
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.objects().remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            _ => Bound::Included(prefix),
        };
        let objects = self.objects();
        let from_start = objects.range::<str, _>((start, Bound::Unbounded));
        let matching = from_start.take_while(|(key, _)| key.as_str().starts_with(prefix));
        Ok(matching.take(limit).map(|(key, bytes)| meta(key, bytes)).collect())
    }

    async fn sign(&self, _: &Key, _: Allowed, _: Duration) -> Result<Option<SignedUrl>, Error> {
        Ok(None)
    }

    fn bucket(&self) -> Option<Bucket<'_>> {
        None
    }

    async fn check(&self, _: Access) -> Result<(), Error> {
        Ok(())
    }
}
