//! Objects in a bucket of Amazon S3, or of another server with its API.

mod address;
mod client;
mod fault;
mod list;
mod parts;
mod read;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
pub use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::{Bytes, BytesMut};
use futures::future::OptionFuture;
use futures::join;
use futures::stream::{StreamExt as _, iter, try_unfold};

use self::address::Address;
use self::fault::Fault;
use self::parts::{PART, Parts};
use self::read::Reader;
use self::write::Write;
use crate::stream::Counted;
use crate::{Access, Allowed, Bucket, Error, Key, Meta, ObjectStore, PutMode, Reading, SignedUrl, Writing, key};

/// The name under which it is found out what may be done. No object ever has it.
const PROBE: &str = ".tmp/check";
/// No signed URL lives longer.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const TOO_LONG: &str = "together with the store's prefix it is longer than 1024 bytes";

/// Objects in a bucket that any number of processes may share.
///
/// An object of more than 8 MiB is sent in parts of this size. Parts of an upload whose process was killed take room that
/// nobody sees: give the bucket a rule that removes incomplete uploads after a day or more.
#[derive(Debug)]
pub struct S3Store {
    remote: Arc<Remote>,
    /// Whether this process was allowed to write before: permissions seldom change, and a write that is not allowed says
    /// so itself, so this is asked once.
    is_writable: AtomicBool,
}

/// A bucket, and the connections to its server.
#[derive(Debug)]
struct Remote {
    client: Client,
    address: Address,
}

impl S3Store {
    /// A store in the bucket that a URL `s3://bucket/prefix?endpoint=…&region=…` names. Without `credentials` they come
    /// from where all of AWS's clients look: the environment, a profile, a web identity, the machine's role. Nobody is
    /// asked yet: [`ObjectStore::check`] does.
    ///
    /// # Errors
    /// [`Error::BadUrl`], which does not repeat what may be a secret.
    pub async fn open(url: &str, credentials: Option<Credentials>) -> Result<Self, Error> {
        let address: Address = url.parse()?;
        let client = client::connect(&address, credentials).await?;
        Ok(Self { remote: Arc::new(Remote { client, address }), is_writable: AtomicBool::new(false) })
    }

    /// A write of an object whose key is short enough.
    fn write<'a>(&'a self, key: &'a Key, mode: PutMode) -> Result<Write<'a>, Error> {
        if self.remote.address.full(key.as_str()).len() > Key::MAX_BYTES {
            return Err(Error::KeyRefused { key: key.clone(), why: TOO_LONG, source: None });
        }
        Ok(Write::new(&self.remote, key, mode))
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        if bytes.len() <= PART {
            return self.write(key, mode)?.at_once(bytes).await;
        }
        let writing = Writing { size: Some(bytes.len() as u64), bytes: iter([Ok(bytes)]).boxed() };
        self.put_stream(key, writing, mode).await.map(drop)
    }

    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error> {
        let write = self.write(key, mode)?;
        let mut parts = Parts::new(Counted::new(key, writing));
        let first = parts.next().await?.unwrap_or_default();
        if first.len() < PART {
            write.at_once(first).await?;
        } else {
            parts::write(&self.remote, &write, first, &mut parts).await?;
        }
        Ok(parts.count())
    }

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        let mut reader = Reader::open(self.remote.clone(), key.clone()).await?;
        let size = reader.size;
        if size > limit {
            return Err(Error::TooLarge { key: key.clone(), size, limit });
        }
        let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
        while let Some(piece) = reader.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    async fn get_stream(&self, key: &Key) -> Result<Reading, Error> {
        let reader = Reader::open(self.remote.clone(), key.clone()).await?;
        let size = reader.size;
        let bytes = try_unfold(reader, async |mut reader| Ok(reader.next().await?.map(|piece| (piece, reader))));
        Ok(Reading { size, bytes: bytes.boxed() })
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        let Remote { client, address } = &*self.remote;
        let request = client.head_object().bucket(&address.bucket).key(address.full(key.as_str()));
        let head = request.send().await.map_err(|error| Fault::from(error).of_object(address, key))?;
        match head.content_length.and_then(|size| u64::try_from(size).ok()) {
            Some(size) => Ok(Meta { key: key.clone(), size }),
            None => {
                let source = "it does not say how large it is".into();
                Err(Error::Unexpected { at: address.object(key), source })
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let Remote { client, address } = &*self.remote;
        let request = client.delete_object().bucket(&address.bucket).key(address.full(key.as_str()));
        match request.send().await.map_err(Fault::from) {
            Err(fault) if !fault.is_absence() => Err(fault.of_object(address, key)),
            _ => Ok(()),
        }
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error> {
        if !key::may_begin(prefix) {
            return Ok(Vec::new());
        }
        list::list(&self.remote, prefix, after, limit).await
    }

    async fn sign(&self, key: &Key, allowed: Allowed, life: Duration) -> Result<Option<SignedUrl>, Error> {
        if !(Duration::from_secs(1)..=LONGEST_LIFE).contains(&life) {
            return Err(Error::LifeRefused { life });
        }
        let life = PresigningConfig::expires_in(life).map_err(|_| Error::LifeRefused { life })?;
        let Remote { client, address } = &*self.remote;
        let (bucket, full) = (address.bucket.clone(), address.full(key.as_str()));
        let signed = match allowed {
            Allowed::Download => {
                client.get_object().bucket(bucket).key(full).presigned(life).await.map_err(Fault::from)
            }
            Allowed::Upload => client.put_object().bucket(bucket).key(full).presigned(life).await.map_err(Fault::from),
        };
        let signed = signed.map_err(|fault| fault.of_object(address, key))?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let method = match allowed {
            Allowed::Download => "GET",
            Allowed::Upload => "PUT",
        };
        Ok(Some(SignedUrl { method, url: signed.uri().to_owned(), headers }))
    }

    fn bucket(&self) -> Option<Bucket<'_>> {
        let Address { bucket, prefix, .. } = &self.remote.address;
        Some(Bucket { name: bucket, prefix })
    }

    async fn check(&self, access: Access) -> Result<(), Error> {
        let asks_to_write = access == Access::Write && !self.is_writable.load(Ordering::Relaxed);
        let writing = OptionFuture::from(asks_to_write.then(|| self.remote.check_writing()));
        // At once, for a function may wait for this at its start.
        let (listing, reading, writing) = join!(self.remote.check_listing(), self.remote.check_reading(), writing);
        listing?;
        reading?;
        if let Some(writing) = writing {
            writing?;
            self.is_writable.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Remote {
    /// Whether objects may be listed. Where they may not, one that is missing passes for one that is forbidden.
    async fn check_listing(&self) -> Result<(), Error> {
        let Self { client, address } = self;
        let listing = client.list_objects_v2().bucket(&address.bucket).prefix(address.full("")).max_keys(1);
        listing.send().await.map_err(|error| Fault::from(error).of_store(address))?;
        Ok(())
    }

    /// Whether objects may be read.
    async fn check_reading(&self) -> Result<(), Error> {
        let Self { client, address } = self;
        let reading = client.get_object().bucket(&address.bucket).key(address.full(PROBE));
        match reading.send().await.map_err(Fault::from) {
            Err(fault) if !fault.is_absence() => Err(fault.of_store(address)),
            _ => Ok(()),
        }
    }

    /// Whether objects may be written: an upload is begun, which takes the same permission, and aborted. It leaves
    /// nothing, tells nobody who listens to the bucket, and every server knows it.
    async fn check_writing(&self) -> Result<(), Error> {
        let Self { client, address } = self;
        let key = address.full(PROBE);
        let begun = client.create_multipart_upload().bucket(&address.bucket).key(&key).send().await;
        let begun = begun.map_err(|error| Fault::from(error).of_store(address))?;
        let abort = client.abort_multipart_upload().bucket(&address.bucket).key(key).set_upload_id(begun.upload_id);
        abort.send().await.map_err(|error| Fault::from(error).of_store(address))?;
        Ok(())
    }
}
