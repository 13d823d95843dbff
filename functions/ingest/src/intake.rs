//! One candidate: read, hashed, checked against the rules, stored.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use pappus_catalog::SharedCatalog;
use pappus_domain::{Digest, Image, ImageStatus, Timestamp};
use pappus_inference::{ImageError, Limits, decode, perceptual_hash};
use pappus_objects::{Key, Objects, PutMode};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::candidate::{Candidate, Content};
use crate::error::Error;
use crate::fetch::{Fetched, Fetcher, read_file};

/// What takes candidates in, one after another or many at once.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) catalog: SharedCatalog,
    pub(crate) objects: Objects,
    pub(crate) limits: Limits,
    pub(crate) fetcher: Fetcher,
    /// One permit a core for all clones together, so for many events at once too: decoding many large images at once
    /// would take memory and gain nothing.
    pub(crate) cores: Arc<Semaphore>,
}

/// A candidate that is an image, good or bad, ready to be recorded; or the reason why it is none.
pub(crate) struct Taken {
    pub(crate) candidate: Candidate,
    pub(crate) image: Result<Image, String>,
}

impl Intake {
    pub(crate) async fn take(self, candidate: Candidate) -> Result<Taken, Error> {
        match self.image(&candidate).await {
            Ok(image) => Ok(Taken { candidate, image: Ok(image) }),
            Err(Refusal::Unreadable(reason)) => Ok(Taken { candidate, image: Err(reason) }),
            Err(Refusal::Stop(error)) => Err(error),
        }
    }

    async fn image(&self, candidate: &Candidate) -> Result<Image, Refusal> {
        if let Content::Fetched { image, .. } = &candidate.content
            && let Some(known) = self.catalog.image(image).await.map_err(Error::from)?
            && self.holds(&known.id, known.bytes).await?
        {
            return Ok(Image { label: candidate.label.clone(), ..known });
        }
        let (fetcher, limit, content) = (self.fetcher.clone(), self.limits.bytes, candidate.content.clone());
        let read = spawn_blocking(move || read_content(&fetcher, content, limit)).await.map_err(Error::from)?;
        let Read { bytes, id, size } = read.map_err(Refusal::Unreadable)?;
        let image = |status| Image {
            id,
            status,
            label: candidate.label.clone(),
            origin: candidate.origin.clone(),
            bytes: size,
            recorded_at: Timestamp::now(),
        };
        let known = self.catalog.image(&id).await.map_err(Error::from)?;
        if let Some(Image { status: status @ ImageStatus::Stored { .. }, .. }) = known {
            if let Some(bytes) = bytes {
                self.mend(&id, bytes).await?;
            }
            return Ok(image(status));
        }
        let Some(bytes) = bytes else {
            let error = ImageError::TooManyBytes { bytes: size, limit };
            return Ok(image(ImageStatus::Quarantined { reason: error.to_string() }));
        };
        let status = self.examine(bytes.clone()).await?;
        if matches!(status, ImageStatus::Stored { .. }) {
            self.store(&id, bytes).await?;
        }
        Ok(image(status))
    }

    async fn examine(&self, bytes: Bytes) -> Result<ImageStatus, Error> {
        // The semaphore is never closed, and without a permit the work is only slower.
        let permit = self.cores.clone().acquire_owned().await.ok();
        let limits = self.limits;
        let status = spawn_blocking(move || {
            let status = examine(&bytes, &limits);
            drop(permit);
            status
        });
        Ok(status.await?)
    }

    /// Stores the bytes of a known image again where they were lost.
    async fn mend(&self, id: &Digest, bytes: Bytes) -> Result<(), Error> {
        if self.holds(id, bytes.len() as u64).await? {
            return Ok(());
        }
        tracing::warn!(image = %id, "its stored bytes were lost, and are stored again");
        Ok(self.objects.put(&Image::object_key(id).parse()?, bytes, PutMode::Overwrite).await?)
    }

    /// Whether all bytes of an image are stored. Their number tells: to read them all would make every duplicate dear.
    async fn holds(&self, id: &Digest, size: u64) -> Result<bool, Error> {
        match self.objects.head(&Image::object_key(id).parse()?).await {
            Ok(meta) => Ok(meta.size == size),
            Err(pappus_objects::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn store(&self, id: &Digest, bytes: Bytes) -> Result<(), Error> {
        let key: Key = Image::object_key(id).parse()?;
        match self.objects.put(&key, bytes, PutMode::IfAbsent).await {
            Err(pappus_objects::Error::AlreadyExists { .. }) => Ok(()),
            other => Ok(other?),
        }
    }
}

enum Refusal {
    Unreadable(String),
    Stop(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Stop(error)
    }
}

struct Read {
    /// Nothing where there were too many.
    bytes: Option<Bytes>,
    id: Digest,
    size: u64,
}

fn read_content(fetcher: &Fetcher, content: Content, limit: u64) -> Result<Read, String> {
    let Fetched { bytes, is_cut } = match &content {
        Content::Bytes(bytes) => Fetched { bytes: bytes.clone(), is_cut: bytes.len() as u64 > limit },
        Content::Source(url) | Content::Fetched { url, .. } => fetcher.fetch(url, limit)?,
        Content::File(path) => read_file(path, limit).map_err(|error| error.to_string())?,
    };
    if !is_cut {
        return Ok(Read { id: Digest::of(&bytes), size: bytes.len() as u64, bytes: Some(bytes) });
    }
    match &content {
        // Its identity is the digest of all of it, found without holding it.
        Content::File(path) => {
            let (id, size) = File::open(path).and_then(digest_stream).map_err(|error| error.to_string())?;
            Ok(Read { bytes: None, id, size })
        }
        Content::Source(_) | Content::Fetched { .. } => Err(format!("it has more than the {limit} bytes allowed")),
        Content::Bytes(bytes) => Ok(Read { id: Digest::of(bytes), size: bytes.len() as u64, bytes: None }),
    }
}

fn digest_stream(mut source: File) -> io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = io::Read::read(&mut source, &mut buffer)?;
        if count == 0 {
            return Ok((Digest::from_bytes(hasher.finalize().into()), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

fn examine(bytes: &[u8], limits: &Limits) -> ImageStatus {
    let quarantined = |reason: String| ImageStatus::Quarantined { reason };
    let pixels = match decode(bytes, limits) {
        Ok(pixels) => pixels,
        Err(error) => return quarantined(error.to_string()),
    };
    match perceptual_hash(&pixels) {
        Ok(perceptual) => {
            ImageStatus::Stored { format: pixels.format, width: pixels.width, height: pixels.height, perceptual }
        }
        Err(error) => quarantined(error.to_string()),
    }
}
