//! `s3://bucket/prefix?endpoint=…&region=…`: which server, which bucket, and where in it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::url::shown;
use crate::{Error, Key};

const WANTED: &str = "give `s3://bucket/prefix?endpoint=…&region=…`, of which the prefix is a key, the endpoint an http or \
     https URL (AWS where there is none), and keys and passwords no part: they come from AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or from wherever else AWS's clients look";

/// Where a store is. What it shows is no secret: there is no place in it for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: String,
    /// Empty, or what every object's key begins with, the slash behind it included.
    pub(super) prefix: String,
    /// Another server than AWS's.
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
}

impl Address {
    /// What the server calls an object, or the beginning of objects.
    pub(super) fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// An object, for people.
    pub(super) fn object(&self, key: &Key) -> String {
        format!("object `{key}` in {self}")
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text).ok_or_else(|| Error::BadUrl { held: shown(text), wanted: WANTED })
    }
}

fn read(text: &str) -> Option<Address> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "s3")?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if !is_bare || url.fragment().is_some() {
        return None;
    }
    let bucket = url.host_str().filter(|bucket| is_bucket(bucket))?.to_owned();
    let path = percent_decode_str(url.path().trim_matches('/')).decode_utf8().ok()?;
    let prefix = if path.is_empty() { String::new() } else { format!("{}/", path.parse::<Key>().ok()?) };
    let mut address = Address { bucket, prefix, endpoint: None, region: None };
    for (name, value) in url.query_pairs() {
        let (place, is_valid): (_, fn(&str) -> bool) = match &*name {
            "endpoint" => (&mut address.endpoint, is_endpoint),
            "region" => (&mut address.region, is_region),
            _ => return None,
        };
        if place.is_some() || !is_valid(&value) {
            return None;
        }
        *place = Some(value.into_owned());
    }
    Some(address)
}

/// Directory buckets are not taken: they list their objects in no order.
fn is_bucket(name: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    (3..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with(['.', '-'])
        && !name.ends_with(['.', '-'])
        && !name.ends_with("--x-s3")
}

fn is_endpoint(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_bare = url.username().is_empty() && url.password().is_none();
        let has_rest = url.query().is_some() || url.fragment().is_some();
        matches!(url.scheme(), "http" | "https") && is_bare && !has_rest
    })
}

fn is_region(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)?;
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}
