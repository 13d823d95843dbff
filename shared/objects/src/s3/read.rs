//! Reading an object, and reading on where a connection breaks.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::Remote;
use super::client::ATTEMPT_TIMEOUT;
use super::fault::Fault;
use crate::error::Source;
use crate::{Error, Key};

/// How often a broken connection is made anew with nothing read in between, and the pause before the first time.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// An object that is being read.
pub(super) struct Reader {
    remote: Arc<Remote>,
    key: Key,
    pub(super) size: u64,
    /// Which version of the object it is.
    etag: Option<String>,
    offset: u64,
    body: ByteStream,
    /// How often the connection broke with nothing read in between.
    broken: u32,
}

impl Reader {
    pub(super) async fn open(remote: Arc<Remote>, key: Key) -> Result<Self, Error> {
        let Remote { client, address } = &*remote;
        let request = client.get_object().bucket(&address.bucket).key(address.full(key.as_str()));
        let GetObjectOutput { body, content_length, e_tag: etag, .. } =
            request.send().await.map_err(|error| Fault::from(error).of_object(address, &key))?;
        let Some(size) = content_length.and_then(|size| u64::try_from(size).ok()) else {
            let source = "it does not say how large it is".into();
            return Err(Error::Unexpected { at: address.object(&key), source });
        };
        Ok(Self { remote, key, size, etag, offset: 0, body, broken: 0 })
    }

    /// The next bytes; nothing once all have come.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let source: Source = match timeout(ATTEMPT_TIMEOUT, self.body.next()).await {
                Ok(Some(Ok(bytes))) if bytes.len() as u64 > self.size - self.offset => {
                    let source = format!("more than the {} bytes came that it said it has", self.size).into();
                    return Err(Error::Unexpected { at: self.remote.address.object(&self.key), source });
                }
                Ok(Some(Ok(bytes))) if bytes.is_empty() => continue,
                Ok(Some(Ok(bytes))) => {
                    self.offset += bytes.len() as u64;
                    self.broken = 0;
                    return Ok(Some(bytes));
                }
                Ok(None) if self.offset == self.size => return Ok(None),
                Ok(None) => format!("it ended after {} of {} bytes", self.offset, self.size).into(),
                // All is there, and it is not what was stored: nobody can take back what has been read.
                Ok(Some(Err(error))) if self.offset == self.size => return Err(self.failed(error.into())),
                Ok(Some(Err(error))) => error.into(),
                Err(_) => format!("nothing came for {} seconds", ATTEMPT_TIMEOUT.as_secs()).into(),
            };
            if self.broken == TRIES || self.etag.is_none() || self.offset == self.size {
                return Err(self.failed(source));
            }
            tracing::debug!(key = %self.key, at = self.offset, error = &*source, "reading broke off, and goes on");
            sleep(FIRST_PAUSE * 2_u32.pow(self.broken)).await;
            self.broken += 1;
            self.body = self.rest().await?;
        }
    }

    /// The rest of the same version of the object.
    async fn rest(&self) -> Result<ByteStream, Error> {
        let Self { remote, key, .. } = self;
        let Remote { client, address } = &**remote;
        let request = client.get_object().bucket(&address.bucket).key(address.full(key.as_str()));
        let request = request.range(format!("bytes={}-", self.offset)).set_if_match(self.etag.clone());
        let rest = request.send().await.map_err(|error| match Fault::from(error) {
            fault if fault.is_unmet() => self.failed("it was overwritten while it was read".into()),
            fault => fault.of_object(address, key),
        })?;
        let expected = format!("bytes {}-{}/{}", self.offset, self.size - 1, self.size);
        match rest.content_range {
            Some(range) if range == expected => Ok(rest.body),
            _ => Err(self.failed("reading broke off, and it does not send the rest alone".into())),
        }
    }

    fn failed(&self, source: Source) -> Error {
        Error::Unavailable { at: self.remote.address.object(&self.key), source }
    }
}
