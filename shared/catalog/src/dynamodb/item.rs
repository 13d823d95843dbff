//! Rows as DynamoDB has them: writing attributes, and reading them with errors that name the row.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use pappus_domain::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::Key;
use crate::Error;
use crate::error::Source;

/// The attributes of a key: the partition, the place in it, and the places in the two other orders of the partition.
pub(super) const PARTITION: &str = "pk";
pub(super) const PLACE: &str = "sk";
pub(super) const FIRST_ORDER: &str = "by1";
pub(super) const SECOND_ORDER: &str = "by2";
/// Which write made the row what it is: what compare-and-swap compares.
pub(super) const WRITE: &str = "write";
/// How many rows there are, in a row that says so.
pub(super) const ROWS: &str = "rows";

/// Attributes by name, as DynamoDB gives and takes them.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The most bytes of a row that goes alone. DynamoDB takes 400 KB, names included, of a row together with its entry in a
/// local index, which holds all of it once more.
pub(super) const ROW: usize = 199 * 1024;
/// JSON that is longer is compressed: writes are paid for by the kilobyte.
const COMPRESS: usize = 4096;
/// The most bytes that compressed JSON may come to.
const JSON: u64 = 64 << 20;

/// A row to be written.
#[derive(Clone, Debug)]
pub(super) struct Item(Attributes);

impl Item {
    pub(super) fn at(key: Key) -> Self {
        Self(attributes(key))
    }

    pub(super) fn text(mut self, name: &str, text: impl Into<String>) -> Self {
        self.0.insert(name.into(), AttributeValue::S(text.into()));
        self
    }

    /// A text where there is one.
    pub(super) fn maybe(self, name: &str, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(super) fn number(mut self, name: &str, number: impl ToString) -> Self {
        self.0.insert(name.into(), AttributeValue::N(number.to_string()));
        self
    }

    /// Milliseconds since 1970.
    pub(super) fn time(self, name: &str, time: Timestamp) -> Self {
        self.number(name, time.as_millisecond())
    }

    /// JSON that can be read again; a figure that is not a number, say, could not.
    pub(super) fn json<T: Serialize + DeserializeOwned>(
        mut self,
        name: &str,
        value: &T,
        what: impl Fn() -> String,
    ) -> Result<Self, Error> {
        let unwritable = |source: Source| Error::Unwritable { what: what(), source };
        let written = serde_json::to_string(value).and_then(|json| serde_json::from_str::<T>(&json).map(|_| json));
        let json = written.map_err(|source| unwritable(source.into()))?;
        let value = if json.len() > COMPRESS {
            AttributeValue::B(Blob::new(compress(json.as_bytes()).map_err(|source| unwritable(source.into()))?))
        } else {
            AttributeValue::S(json)
        };
        self.0.insert(name.into(), value);
        Ok(self)
    }

    /// The row, if it has no more than so many bytes.
    pub(super) fn within(self, bytes: usize, what: impl Fn() -> String) -> Result<Self, Error> {
        let found: usize = self.0.iter().map(|(name, value)| name.len() + size(value)).sum();
        if found <= bytes {
            return Ok(self);
        }
        let source = format!("it comes to {found} bytes in DynamoDB, where a row may have {bytes}");
        Err(Error::Unwritable { what: what(), source: source.into() })
    }

    pub(super) fn key(&self) -> Key {
        let text = |name| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.as_str(),
            _ => "",
        };
        Key::new(text(PARTITION), text(PLACE))
    }

    pub(super) fn into_attributes(self) -> Attributes {
        self.0
    }
}

/// A key as attributes.
pub(super) fn attributes(Key { partition, place }: Key) -> Attributes {
    HashMap::from([(PARTITION.into(), AttributeValue::S(partition)), (PLACE.into(), AttributeValue::S(place))])
}

fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    }
}

fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A row that was read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    table: &'static str,
    attributes: Attributes,
}

impl Row {
    /// A row of what other catalogs have as a table of this name.
    pub(super) fn of(table: &'static str, attributes: Attributes) -> Self {
        Self { table, attributes }
    }

    /// A text, where there is one.
    pub(super) fn maybe(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.corrupt(format!("`{name}` is no text"))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, Error> {
        self.maybe(name)?.ok_or_else(|| self.lacks(name))
    }

    /// A text that is the name of something.
    pub(super) fn parse<T>(&self, name: &str) -> Result<T, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.text(name)?.parse().map_err(|source: T::Err| self.corrupt(source))
    }

    /// A text that is the name of something, where there is one.
    pub(super) fn parse_maybe<T>(&self, name: &str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.maybe(name)?.map(|text| text.parse().map_err(|source: T::Err| self.corrupt(source))).transpose()
    }

    pub(super) fn number<T>(&self, name: &str) -> Result<T, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        match self.attributes.get(name) {
            Some(AttributeValue::N(number)) => number.parse().map_err(|source: T::Err| self.corrupt(source)),
            Some(_) => Err(self.corrupt(format!("`{name}` is no number"))),
            None => Err(self.lacks(name)),
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn time(&self, name: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.number(name)?).map_err(|source| self.corrupt(source))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        match self.attributes.get(name) {
            Some(AttributeValue::S(json)) => serde_json::from_str(json).map_err(|source| self.corrupt(source)),
            Some(AttributeValue::B(bytes)) => {
                let mut json = Vec::new();
                let read = ZlibDecoder::new(bytes.as_ref()).take(JSON).read_to_end(&mut json);
                read.map_err(|source| self.corrupt(source))?;
                serde_json::from_slice(&json).map_err(|source| self.corrupt(source))
            }
            Some(_) => Err(self.corrupt(format!("`{name}` is no JSON"))),
            None => Err(self.lacks(name)),
        }
    }

    /// Which write made it what it is.
    pub(super) fn write(&self) -> Result<&str, Error> {
        self.text(WRITE)
    }

    /// The error that this row cannot be read.
    pub(super) fn corrupt(&self, source: impl Into<Source>) -> Error {
        let key = |name| match self.attributes.get(name) {
            Some(AttributeValue::S(text)) => text.as_str(),
            _ => "",
        };
        Error::Corrupt { table: self.table, row: format!("{} {}", key(PARTITION), key(PLACE)), source: source.into() }
    }

    fn lacks(&self, name: &str) -> Error {
        self.corrupt(format!("`{name}` is not there"))
    }
}
