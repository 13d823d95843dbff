//! Features that were computed once are not computed again.
//!
//! A segment is an object `features/<extractor>/<segment>`: a header (magic, numbers a row, views an image), then for
//! each image its id and the rows of its views, float32, all little-endian. Both names are digests of what they name, so
//! nothing in the cache can be out of date, and what is damaged shows. Whatever goes wrong here is a warning: features
//! that are not there are computed anew.

use std::collections::HashMap;

use pappus_domain::Digest;
use pappus_objects::{Key, ObjectStore, PutMode};

const MAGIC: &[u8; 8] = b"PAPPUSF1";
const HEADER_BYTES: usize = 16;
const MAX_SEGMENT_BYTES: u64 = 256 << 20;
const PAGE: usize = 100;

/// The rows of an image: one for each view, one behind the other.
pub(crate) type Rows = Vec<f32>;

/// The cached features of one extractor.
pub(crate) struct FeatureCache<'a> {
    objects: &'a dyn ObjectStore,
    prefix: String,
    views: usize,
}

impl<'a> FeatureCache<'a> {
    /// The cache of an extractor, which is named by the digest of its network, with so many views of each image.
    pub(crate) fn new(objects: &'a dyn ObjectStore, extractor: &Digest, views: usize) -> Self {
        Self { objects, prefix: format!("features/{extractor}-{views}/"), views }
    }

    /// What is there and whole.
    pub(crate) async fn load(&self) -> HashMap<Digest, Rows> {
        let (mut known, mut after) = (HashMap::new(), None);
        loop {
            let page = match self.objects.list(&self.prefix, after.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    warn(&self.prefix, "cached features cannot be listed", &error);
                    return known;
                }
            };
            let Some(last) = page.last() else { return known };
            after = Some(last.key.clone());
            for segment in &page {
                known.extend(self.segment(&segment.key).await);
            }
        }
    }

    /// The images of a segment: none where it cannot be read. A damaged one is removed.
    async fn segment(&self, key: &Key) -> Vec<(Digest, Rows)> {
        let bytes = match self.objects.get(key, MAX_SEGMENT_BYTES).await {
            Ok(bytes) => bytes,
            Err(error) => {
                warn(key.as_str(), "a segment of cached features cannot be read", &error);
                return Vec::new();
            }
        };
        let is_whole = key.as_str() == self.name(&bytes);
        if let Some(images) = parse(&bytes, self.views).filter(|_| is_whole) {
            return images;
        }
        tracing::warn!(%key, "a segment of cached features is damaged, and removed");
        if let Err(error) = self.objects.delete(key).await {
            warn(key.as_str(), "a damaged segment of cached features cannot be removed", &error);
        }
        Vec::new()
    }

    /// Adds a segment.
    pub(crate) async fn add(&self, images: &[(Digest, Rows)]) {
        let Some(bytes) = write(images, self.views) else { return };
        // A prefix and a digest make a key.
        let Ok(key) = self.name(&bytes).parse::<Key>() else { return };
        if let Err(error) = self.objects.put(&key, bytes.into(), PutMode::Overwrite).await {
            warn(key.as_str(), "features cannot be cached", &error);
        }
    }

    fn name(&self, segment: &[u8]) -> String {
        format!("{}{}", self.prefix, Digest::of(segment).short(32))
    }
}

fn warn(key: &str, what: &str, error: &pappus_objects::Error) {
    tracing::warn!(key, error = error as &dyn std::error::Error, "{what}");
}

/// A segment; nothing for no images, or for images whose rows differ in length.
fn write(images: &[(Digest, Rows)], views: usize) -> Option<Vec<u8>> {
    let numbers = images.first()?.1.len();
    if views == 0 || numbers % views != 0 || images.iter().any(|(_, rows)| rows.len() != numbers) {
        return None;
    }
    let mut bytes = MAGIC.to_vec();
    for count in [numbers / views, views] {
        bytes.extend(u32::try_from(count).ok()?.to_le_bytes());
    }
    for (id, rows) in images {
        bytes.extend(id.as_bytes());
        bytes.extend(rows.iter().flat_map(|number| number.to_le_bytes()));
    }
    Some(bytes)
}

/// The images of a segment; nothing where it is damaged or has other views.
fn parse(bytes: &[u8], views: usize) -> Option<Vec<(Digest, Rows)>> {
    let (header, body) = bytes.split_at_checked(HEADER_BYTES)?;
    let count = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?) as usize);
    let numbers = count(8)?.checked_mul(views)?;
    let row_bytes = numbers.checked_mul(4)?.checked_add(32)?;
    if !header.starts_with(MAGIC) || count(12)? != views || numbers == 0 || body.len() % row_bytes != 0 {
        return None;
    }
    let images = body.chunks_exact(row_bytes).map(|image| {
        let (id, rows) = image.split_first_chunk::<32>()?;
        let rows = rows.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Some((Digest::from_bytes(*id), rows))
    });
    images.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, rows: &[f32]) -> (Digest, Rows) {
        (Digest::of(name.as_bytes()), rows.to_vec())
    }

    #[test]
    fn a_segment_reads_as_it_was_written() {
        let images = vec![image("a", &[1.0, -2.5, 3.0, 0.0]), image("b", &[4.0, 5.0, 6.0, 7.0])];
        let bytes = write(&images, 2).unwrap();
        assert_eq!(bytes.len(), 16 + 2 * (32 + 16));
        assert_eq!(parse(&bytes, 2), Some(images));
    }

    #[test]
    fn a_damaged_segment_or_one_with_other_views_is_not_read() {
        let bytes = write(&[image("a", &[1.0, 2.0])], 1).unwrap();
        for length in 0..bytes.len() {
            // A segment cut off behind its header holds no image, which is true.
            assert!(parse(&bytes[..length], 1).is_none_or(|images| images.is_empty()), "{length}");
        }
        assert_eq!(parse(&bytes, 2), None);
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert_eq!(parse(&other, 1), None);
        other = bytes;
        other[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(parse(&other, 1), None);
    }
}
