//! Objects in memory, for tests.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Key, Meta, ObjectStore, PutMode};

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

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        let bytes = self.objects().get(key).cloned().ok_or_else(|| Error::NotFound { key: key.clone() })?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(Error::TooLarge { key: key.clone(), size, limit });
        }
        Ok(bytes)
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        let objects = self.objects();
        objects.get(key).map(|bytes| meta(key, bytes)).ok_or_else(|| Error::NotFound { key: key.clone() })
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

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
