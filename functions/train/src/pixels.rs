//! Stored images as pixels of one size.

use bytes::Bytes;
use pappus_domain::{DataSetEntry, Digest, Image};
use pappus_inference::{Limits, decode, resize};
use pappus_objects::{Key, ObjectStore};

use crate::error::Error;

/// The most bytes of a stored image: ingest lets no larger one in.
const MAX_IMAGE_BYTES: u64 = 64 << 20;

/// Reads the bytes of an image of a data set.
pub(crate) async fn read(objects: &dyn ObjectStore, entry: &DataSetEntry) -> Result<Bytes, Error> {
    let key: Key = Image::object_key(&entry.image).parse()?;
    objects.get(&key, MAX_IMAGE_BYTES).await.map_err(|error| match error {
        pappus_objects::Error::NotFound { .. } => Error::Lost(entry.image),
        error => error.into(),
    })
}

/// Decodes and resizes, as serving does: `height × width × 3` bytes.
pub(crate) fn pixels(image: Digest, bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let limits = Limits { bytes: MAX_IMAGE_BYTES, ..Limits::default() };
    let decoded = decode(bytes, &limits).map_err(|source| Error::Image { image, source })?;
    Ok(resize(&decoded, width, height)?)
}

/// The picture in a mirror, left for right.
pub(crate) fn mirror(pixels: &[u8], width: u32) -> Vec<u8> {
    let row_bytes = width as usize * 3;
    pixels.chunks_exact(row_bytes).flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect()
}
