//! Reading columns, with errors that name the table and the row.

use std::str::FromStr;

use pappus_domain::{Digest, Timestamp};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Error;
use crate::error::Source;

/// The columns of a database's row, of the three types that there are.
pub(crate) trait Columns {
    /// A text, where it is not null.
    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error>;

    /// A number, where it is not null.
    fn number(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;

    /// Bytes, where they are not null.
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error>;

    /// The first column as people write it: text, or bytes as hexadecimal digits.
    fn key(&self) -> String;
}

/// A row of a table. Its first column is its key.
pub(crate) struct Row<'r> {
    table: &'static str,
    columns: &'r dyn Columns,
}

impl<'r> Row<'r> {
    pub(crate) fn of(table: &'static str, columns: &'r dyn Columns) -> Self {
        Self { table, columns }
    }

    /// A text.
    pub(crate) fn text(&self, column: &str) -> Result<&'r str, Error> {
        self.text_optional(column)?.ok_or_else(|| self.null(column))
    }

    /// A text, where there is one.
    pub(crate) fn text_optional(&self, column: &str) -> Result<Option<&'r str>, Error> {
        self.columns.text(column).map_err(|source| self.corrupt(source))
    }

    /// A text that is the name of something.
    pub(crate) fn parse<T>(&self, column: &str) -> Result<T, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.text(column)?.parse().map_err(|source: T::Err| self.corrupt(source))
    }

    /// A text that is the name of something, where there is one.
    pub(crate) fn parse_optional<T>(&self, column: &str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.text_optional(column)?;
        text.map(|text| text.parse().map_err(|source: T::Err| self.corrupt(source))).transpose()
    }

    fn number(&self, column: &str) -> Result<i64, Error> {
        self.columns.number(column).map_err(|source| self.corrupt(source))?.ok_or_else(|| self.null(column))
    }

    /// A number of 64 bits without a sign, which not every database has: stored as the signed number of the same bits.
    pub(crate) fn bits(&self, column: &str) -> Result<u64, Error> {
        Ok(self.number(column)?.cast_unsigned())
    }

    /// A number of pixels.
    pub(crate) fn pixels(&self, column: &str) -> Result<u32, Error> {
        self.number(column)?.try_into().map_err(|source: std::num::TryFromIntError| self.corrupt(source))
    }

    /// Milliseconds since 1970.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.number(column)?).map_err(|source| self.corrupt(source))
    }

    /// 32 bytes.
    pub(crate) fn digest(&self, column: &str) -> Result<Digest, Error> {
        self.digest_optional(column)?.ok_or_else(|| self.null(column))
    }

    /// 32 bytes, where there are any.
    pub(crate) fn digest_optional(&self, column: &str) -> Result<Option<Digest>, Error> {
        let wrong = |source: std::array::TryFromSliceError| self.corrupt(source);
        let digest = |bytes: &[u8]| bytes.try_into().map(Digest::from_bytes).map_err(wrong);
        self.columns.bytes(column).map_err(|source| self.corrupt(source))?.map(digest).transpose()
    }

    /// 16 bytes.
    pub(crate) fn uuid(&self, column: &str) -> Result<Uuid, Error> {
        let bytes = self.columns.bytes(column).map_err(|source| self.corrupt(source))?;
        Uuid::from_slice(bytes.ok_or_else(|| self.null(column))?).map_err(|source| self.corrupt(source))
    }

    /// JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(self.text(column)?).map_err(|source| self.corrupt(source))
    }

    /// The error that this row cannot be read.
    pub(crate) fn corrupt(&self, source: impl Into<Source>) -> Error {
        Error::Corrupt { table: self.table, row: self.columns.key(), source: source.into() }
    }

    fn null(&self, column: &str) -> Error {
        self.corrupt(format!("its {column} is null"))
    }
}
