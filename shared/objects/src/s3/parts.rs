//! Writing an object as parts: several at once, in bounded memory, and all of them or none.
//!
//! An upload that is dropped is aborted by a task that nobody waits for. A process that ends at once after, as a command does
//! on Ctrl-C, may be gone before the server hears of it: the parts then stay, as those of one that is killed, until the
//! bucket's rule for incomplete uploads removes them.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _, try_unfold};
use tokio::runtime::Handle;

use super::Remote;
use super::client::patient;
use super::fault::Fault;
use super::write::{Found, Write};
use crate::stream::Counted;
use crate::{Error, Key, PutMode};

/// The size of a part in bytes. Some servers want all but the last to be of one size.
pub(super) const PART: usize = 8 << 20;
/// How many parts are on their way at once. With the one that is being filled and what came too much for it, a write
/// holds at most six parts: 48 MiB.
const AT_ONCE: usize = 4;
/// More parts than this S3 does not allow.
const MOST: i32 = 10_000;
/// What the server may have to do to make one object of many parts, as if so many bytes were sent.
const ASSEMBLY: u64 = PART as u64;

/// Cuts what comes in pieces of any size into parts of one size.
pub(super) struct Parts<'a> {
    pieces: Counted<'a>,
    gathered: BytesMut,
    /// What came too much for the last part.
    rest: Bytes,
}

impl<'a> Parts<'a> {
    pub(super) fn new(pieces: Counted<'a>) -> Self {
        Self { pieces, gathered: BytesMut::new(), rest: Bytes::new() }
    }

    /// The next part: whole, unless it is the last; nothing once all have come.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.rest.is_empty() {
                match self.pieces.next().await? {
                    Some(piece) => self.rest = piece,
                    None if self.gathered.is_empty() => return Ok(None),
                    None => return Ok(Some(self.gathered.split().freeze())),
                }
            }
            // What is a part already is not copied.
            if self.gathered.is_empty() && self.rest.len() >= PART {
                return Ok(Some(self.rest.split_to(PART)));
            }
            let fits = self.rest.len().min(PART - self.gathered.len());
            self.gathered.extend_from_slice(&self.rest.split_to(fits));
            if self.gathered.len() == PART {
                return Ok(Some(self.gathered.split().freeze()));
            }
        }
    }

    /// The number of bytes that have come.
    pub(super) const fn count(&self) -> u64 {
        self.pieces.count()
    }

    /// `first` and all parts behind it, numbered from 1.
    fn numbered<'p>(&'p mut self, key: &'p Key, first: Bytes) -> BoxStream<'p, Result<(i32, Bytes), Error>> {
        let parts = try_unfold((1, Some(first), self), move |(number, first, parts)| async move {
            let part = match first {
                Some(first) => Some(first),
                None => parts.next().await?,
            };
            if part.is_some() && number > MOST {
                let (size, limit) = (parts.count(), MOST as u64 * PART as u64);
                return Err(Error::TooLarge { key: key.clone(), size, limit });
            }
            Ok(part.map(|part| ((number, part), (number + 1, None, parts))))
        });
        parts.boxed()
    }
}

/// Writes an object of more than one part, of which the first has come.
pub(super) async fn write(
    remote: &Arc<Remote>,
    write: &Write<'_>,
    first: Bytes,
    parts: &mut Parts<'_>,
) -> Result<(), Error> {
    // What would be refused in the end is not sent at all.
    if write.mode == PutMode::IfAbsent && write.look().await? != Found::Nothing {
        return Err(Error::AlreadyExists { key: write.key.clone() });
    }
    let upload = Upload::begin(remote, write).await?;
    let sent = match upload.send(write, first, parts).await {
        Ok(sent) => upload.complete(write, sent).await,
        Err(error) => Err(error),
    };
    match &sent {
        Ok(()) => upload.done(),
        // It is aborted behind the answer: who knows when a server that is away will be back.
        Err(Error::Unavailable { .. }) => drop(upload),
        Err(_) => upload.abort().await,
    }
    sent
}

/// An upload that is under way on the server. It is aborted when dropped, for its parts take room and nobody sees them.
struct Upload {
    remote: Arc<Remote>,
    full: String,
    id: String,
    is_over: bool,
}

impl Upload {
    async fn begin(remote: &Arc<Remote>, write: &Write<'_>) -> Result<Self, Error> {
        let Remote { client, address } = &**remote;
        let (name, value) = write.mark();
        let request = client.create_multipart_upload().bucket(&address.bucket).key(write.full()).metadata(name, value);
        let begun = request.send().await.map_err(|error| Fault::from(error).of_object(address, write.key))?;
        let Some(id) = begun.upload_id else {
            let source = "it does not say by which name it knows an upload".into();
            return Err(Error::Unexpected { at: address.object(write.key), source });
        };
        Ok(Self { remote: remote.clone(), full: write.full(), id, is_over: false })
    }

    /// Sends all parts.
    async fn send(&self, write: &Write<'_>, first: Bytes, parts: &mut Parts<'_>) -> Result<Vec<CompletedPart>, Error> {
        let sending = parts.numbered(write.key, first).map_ok(|(number, part)| self.send_part(write, number, part));
        let mut sent: Vec<CompletedPart> = sending.try_buffer_unordered(AT_ONCE).try_collect().await?;
        sent.sort_unstable_by_key(CompletedPart::part_number);
        Ok(sent)
    }

    async fn send_part(&self, write: &Write<'_>, number: i32, part: Bytes) -> Result<CompletedPart, Error> {
        let Remote { client, address } = &*self.remote;
        let size = part.len() as u64;
        let request = client.upload_part().bucket(&address.bucket).key(&self.full).upload_id(&self.id);
        let request = request.part_number(number).body(ByteStream::from(part)).customize();
        let sent = request.config_override(patient(size)).send().await;
        let sent = sent.map_err(|error| Fault::from(error).of_object(address, write.key))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .set_checksum_crc32_c(sent.checksum_crc32_c)
            .set_checksum_crc64_nvme(sent.checksum_crc64_nvme)
            .build())
    }

    /// Makes one object of all parts.
    async fn complete(&self, write: &Write<'_>, parts: Vec<CompletedPart>) -> Result<(), Error> {
        let Remote { client, address } = &*self.remote;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = client.complete_multipart_upload().bucket(&address.bucket).key(&self.full).upload_id(&self.id);
        let request = request.multipart_upload(parts).set_if_none_match(write.condition()).customize();
        match request.config_override(patient(ASSEMBLY)).send().await {
            Ok(_) => Ok(()),
            Err(error) => write.settle(error.into()).await,
        }
    }

    fn done(mut self) {
        self.is_over = true;
    }

    async fn abort(mut self) {
        self.is_over = true;
        abort(self.remote.clone(), std::mem::take(&mut self.full), std::mem::take(&mut self.id)).await;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (remote, full, id) = (self.remote.clone(), std::mem::take(&mut self.full), std::mem::take(&mut self.id));
        // Without a runtime the process ends, and the bucket's rule for uploads that never end must do.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(abort(remote, full, id));
        }
    }
}

/// Removes the parts of an upload.
async fn abort(remote: Arc<Remote>, full: String, id: String) {
    let Remote { client, address } = &*remote;
    let request = client.abort_multipart_upload().bucket(&address.bucket).key(&full).upload_id(id);
    if let Err(error) = request.send().await.map_err(Fault::from) {
        let error = error.of_store(address);
        tracing::warn!(key = full, error = &error as &dyn std::error::Error, "the parts of an upload are left behind");
    }
}
