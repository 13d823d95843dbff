//! Reading columns, with errors that name the table and the row.

use std::str::FromStr;

use pappus_domain::{Digest, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type, ValueRef as _};
use uuid::Uuid;

use crate::Error;
use crate::error::Source;

/// A row of a table. Its first column is its key.
pub(super) struct Row<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Row<'r> {
    pub(super) fn of(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, row }
    }

    /// A column as SQLite has it.
    pub(super) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &str) -> Result<T, Error> {
        self.row.try_get(column).map_err(|source| self.corrupt(source))
    }

    /// A text that is the name of something.
    pub(super) fn parse<T>(&self, column: &str) -> Result<T, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.get::<&str>(column)?.parse().map_err(|source: T::Err| self.corrupt(source))
    }

    /// A text that is the name of something, where there is one.
    pub(super) fn parse_optional<T>(&self, column: &str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.get::<Option<&str>>(column)?;
        text.map(|text| text.parse().map_err(|source: T::Err| self.corrupt(source))).transpose()
    }

    /// A number of 64 bits without a sign, which SQLite does not have: stored as the signed number of the same bits.
    pub(super) fn bits(&self, column: &str) -> Result<u64, Error> {
        Ok(self.get::<i64>(column)?.cast_unsigned())
    }

    /// A number of pixels.
    pub(super) fn pixels(&self, column: &str) -> Result<u32, Error> {
        self.get::<i64>(column)?.try_into().map_err(|source: std::num::TryFromIntError| self.corrupt(source))
    }

    /// 32 bytes.
    pub(super) fn digest(&self, column: &str) -> Result<Digest, Error> {
        self.digest_of(self.get(column)?)
    }

    /// 32 bytes, where there are any.
    pub(super) fn digest_optional(&self, column: &str) -> Result<Option<Digest>, Error> {
        self.get::<Option<&[u8]>>(column)?.map(|bytes| self.digest_of(bytes)).transpose()
    }

    fn digest_of(&self, bytes: &[u8]) -> Result<Digest, Error> {
        bytes.try_into().map(Digest::from_bytes).map_err(|source: std::array::TryFromSliceError| self.corrupt(source))
    }

    /// 16 bytes.
    pub(super) fn uuid(&self, column: &str) -> Result<Uuid, Error> {
        Uuid::from_slice(self.get(column)?).map_err(|source| self.corrupt(source))
    }

    /// Milliseconds since 1970.
    pub(super) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|source| self.corrupt(source))
    }

    /// JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(self.get(column)?).map_err(|source| self.corrupt(source))
    }

    /// The error that this row cannot be read.
    pub(super) fn corrupt(&self, source: impl Into<Source>) -> Error {
        Error::Corrupt { table: self.table, row: self.key(), source: source.into() }
    }

    /// The row's key as people write it: text, or bytes as hexadecimal digits.
    fn key(&self) -> String {
        let raw = self.row.try_get_raw(0);
        let is_text = raw.is_ok_and(|value| value.type_info().to_string() == "TEXT");
        let bytes = self.row.try_get_unchecked::<&[u8], _>(0).unwrap_or_default();
        if is_text {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// JSON that can be read again; a figure that is not a number, say, could not.
pub(super) fn to_json<T: Serialize + DeserializeOwned>(what: impl Fn() -> String, value: &T) -> Result<String, Error> {
    let written = serde_json::to_string(value).and_then(|json| serde_json::from_str::<T>(&json).map(|_| json));
    written.map_err(|source| Error::Unwritable { what: what(), source: source.into() })
}

/// A number of rows, as SQLite takes it.
pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
