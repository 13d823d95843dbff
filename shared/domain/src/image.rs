//! Images: what is known of each, and which labels may name a class.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::perceptual::PerceptualHash;

/// The formats that are read, recognised by content and never by file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ImageFormat {
    Jpeg,
    Png,
    Bmp,
    Tiff,
    WebP,
}

impl ImageFormat {
    /// Every format, in the order in which messages name them.
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Bmp, Self::Tiff, Self::WebP];

    /// The lowercase name, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::WebP => "webp",
        }
    }
}

/// A name that is none of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {what}")]
pub struct UnknownName {
    /// What was wanted, such as `image format`.
    pub what: &'static str,
    /// What was given.
    pub value: String,
}

impl FromStr for ImageFormat {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownName { what: "image format", value: text.into() })
    }
}

/// The name of a class: 1 to 64 characters, none of them a control character, a slash or a backslash, and not `.` or
/// `..`, since labels are also names of folders and parts of object keys. Surrounding white space is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Why a text is not a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be a label: 1 to 64 characters are wanted, without slashes or control characters")]
pub struct NotALabel(String);

impl Label {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = NotALabel;

    fn from_str(text: &str) -> Result<Self, NotALabel> {
        let trimmed = text.trim();
        let bad = |c: char| c.is_control() || matches!(c, '/' | '\\');
        let length = trimmed.chars().count();
        if length == 0 || length > 64 || matches!(trimmed, "." | "..") || trimmed.contains(bad) {
            return Err(NotALabel(text.chars().take(80).collect()));
        }
        Ok(Self(trimmed.into()))
    }
}

impl TryFrom<String> for Label {
    type Error = NotALabel;

    fn try_from(text: String) -> Result<Self, NotALabel> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What became of an image. An image that was found bad is remembered with the reason, so that nobody has to find it
/// twice; its bytes stay where they came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum ImageStatus {
    /// Its bytes are kept under `images/<id>`.
    Stored {
        /// The format of the bytes.
        format: ImageFormat,
        /// Width in pixels, EXIF orientation applied.
        width: u32,
        /// Height in pixels, EXIF orientation applied.
        height: u32,
        /// The hash that near-duplicates share.
        perceptual: PerceptualHash,
    },
    /// It was refused.
    Quarantined {
        /// What is wrong with it.
        reason: String,
    },
}

impl ImageStatus {
    /// `stored` or `quarantined`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Quarantined { .. } => "quarantined",
        }
    }
}

/// One image: a row of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The SHA-256 of its bytes.
    pub id: Digest,
    /// Stored or quarantined.
    #[serde(flatten)]
    pub status: ImageStatus,
    /// Its class, where somebody has said.
    pub label: Option<Label>,
    /// Where it came from: a path, a URL, an object key, or `feedback:<prediction>`.
    pub origin: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was first recorded.
    pub recorded_at: Timestamp,
}

impl Image {
    /// The object key under which an image's bytes are kept.
    pub fn object_key(id: &Digest) -> String {
        format!("images/{id}")
    }
}
