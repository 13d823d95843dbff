//! What may become an image.

use std::path::PathBuf;

use bytes::Bytes;
use pappus_domain::Digest;
use pappus_domain::image::Label;

/// Something that may become an image.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where its bytes are.
    pub content: Content,
    /// Its class, where it is known.
    pub label: Option<Label>,
    /// Where it came from, for people.
    pub origin: String,
}

/// Where the bytes of a candidate are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In a file.
    File(PathBuf),
    /// At a URL of a manifest, `http`, `https` or `file`: what becomes of it is recorded as that source's status.
    Source(String),
    /// At a URL that was fetched before and was this image: fetched again only if the image's bytes were lost.
    Fetched {
        /// The URL.
        url: String,
        /// The image.
        image: Digest,
    },
    /// Here.
    Bytes(Bytes),
}

impl Candidate {
    /// A file.
    pub fn file(path: PathBuf, label: Option<Label>) -> Self {
        Self { origin: path.display().to_string(), content: Content::File(path), label }
    }

    /// The URL of the source that is to be settled, if this is one and turned out to be another image than is known.
    pub(crate) fn unsettled(&self, found: Option<Digest>) -> Option<&str> {
        match &self.content {
            Content::Source(url) => Some(url),
            Content::Fetched { url, image } => (found != Some(*image)).then_some(url),
            Content::File(_) | Content::Bytes(_) => None,
        }
    }
}
