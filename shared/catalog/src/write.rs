//! What is written of a thing, whatever database keeps it.

use pappus_domain::split::Placement;
use pappus_domain::{ImageStatus, Lease, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, SourceStatus, TimeRange};

/// The placement of an image that is in no data set.
pub(crate) const ASIDE: &str = "aside";

pub(crate) fn placement(placement: Placement) -> String {
    match placement {
        Placement::Group(group) => format!("{group:016x}"),
        Placement::Aside => ASIDE.into(),
    }
}

/// The columns of an image that depend on its status.
#[derive(Clone, Copy, Default)]
pub(crate) struct ImageColumns<'a> {
    pub(crate) format: Option<&'static str>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) perceptual: Option<i64>,
    pub(crate) reason: Option<&'a str>,
}

impl<'a> From<&'a ImageStatus> for ImageColumns<'a> {
    fn from(status: &'a ImageStatus) -> Self {
        match status {
            ImageStatus::Stored { format, width, height, perceptual } => Self {
                format: Some(format.as_str()),
                width: Some(*width),
                height: Some(*height),
                perceptual: Some(perceptual.0.cast_signed()),
                reason: None,
            },
            ImageStatus::Quarantined { reason } => Self { reason: Some(reason), ..Self::default() },
        }
    }
}

/// The columns of a source's status: its name, the image, the reason.
pub(crate) fn source_status(status: &SourceStatus) -> (&'static str, Option<&[u8]>, Option<&str>) {
    match status {
        SourceStatus::Pending => ("pending", None, None),
        SourceStatus::Stored { image } => ("stored", Some(image.as_bytes().as_slice()), None),
        SourceStatus::Failed { reason } => ("failed", None, Some(reason.as_str())),
    }
}

/// When a lease runs out that is taken now, in milliseconds.
pub(crate) fn expiry(now: Timestamp) -> i64 {
    now.checked_add(Lease::LIFE).unwrap_or(Timestamp::MAX).as_millisecond()
}

/// The bounds of a range in milliseconds; the lower is part of it, the upper is not.
pub(crate) fn bounds(within: &TimeRange) -> (i64, i64) {
    let from = within.from.map_or(i64::MIN, Timestamp::as_millisecond);
    (from, within.until.map_or(i64::MAX, Timestamp::as_millisecond))
}

/// JSON that can be read again; a figure that is not a number, say, could not.
pub(crate) fn json<T: Serialize + DeserializeOwned>(what: impl Fn() -> String, value: &T) -> Result<String, Error> {
    let written = serde_json::to_string(value).and_then(|json| serde_json::from_str::<T>(&json).map(|_| json));
    written.map_err(|source| Error::Unwritable { what: what(), source: source.into() })
}

/// A number of rows, as databases take it.
pub(crate) fn rows(limit: impl TryInto<i64>) -> i64 {
    limit.try_into().unwrap_or(i64::MAX)
}
