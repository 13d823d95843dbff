//! Keys: the names of objects.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// The name of an object: 1 to 1024 bytes of UTF-8, segments separated by `/`. No segment is empty, `.` or `..`, and
/// there is neither a backslash nor a control character, so that a key is also a safe relative path and a safe part of
/// a URL. Keys are ordered by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be an object's key: 1 to 1024 bytes are wanted, parts between slashes that are neither empty nor `.` \
     nor `..`, without backslashes or control characters"
)]
pub struct NotAKey(String);

impl Key {
    /// The greatest length in bytes, which is that of Amazon S3.
    pub const MAX_BYTES: usize = 1024;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `segment` may stand between two slashes of a key.
pub(crate) fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c == '\\' || c.is_control())
}

/// Whether some key begins with `prefix`.
#[cfg(feature = "s3")]
pub(crate) fn may_begin(prefix: &str) -> bool {
    let (whole, last) = prefix.rsplit_once('/').map_or((None, prefix), |(whole, last)| (Some(whole), last));
    // Nothing is yet to become of a last part that is empty or dots.
    whole.is_none_or(|whole| whole.split('/').all(is_segment)) && is_segment(&format!("{last}x"))
}

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if text.len() > Self::MAX_BYTES || !text.split('/').all(is_segment) {
            return Err(NotAKey(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Key {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.parse()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}
