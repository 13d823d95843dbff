//! A store that is a part of a bucket.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pappus_objects::{
    Access, Allowed, Bucket, Error, Key, Meta, ObjectStore, Objects, PutMode, Reading, SignedUrl, Writing,
};

/// Another store, as the part `pappus/` of the bucket `plants`.
#[derive(Debug)]
pub struct InBucket(pub Objects);

#[async_trait]
impl ObjectStore for InBucket {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        self.0.put(key, bytes, mode).await
    }

    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error> {
        self.0.put_stream(key, writing, mode).await
    }

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        self.0.get(key, limit).await
    }

    async fn get_stream(&self, key: &Key) -> Result<Reading, Error> {
        self.0.get_stream(key).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.0.head(key).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.0.delete(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error> {
        self.0.list(prefix, after, limit).await
    }

    async fn sign(&self, key: &Key, allowed: Allowed, life: Duration) -> Result<Option<SignedUrl>, Error> {
        self.0.sign(key, allowed, life).await
    }

    fn bucket(&self) -> Option<Bucket<'_>> {
        Some(Bucket { name: "plants", prefix: "pappus/" })
    }

    async fn check(&self, access: Access) -> Result<(), Error> {
        self.0.check(access).await
    }
}
