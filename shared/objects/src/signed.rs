//! URLs that let somebody without credentials at one object, for a while.

use std::fmt;

/// What a signed URL lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Read the object.
    Download,
    /// Write the object, or overwrite it.
    Upload,
}

/// A request that whoever has it may make. It is a secret as long as it lives, so it is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// `GET` or `PUT`.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The headers that have to be sent with it, as they are.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("SignedUrl").field("method", &self.method).field("url", &format!("{place}?…")).finish()
    }
}
