//! What an error of SQLite amounts to.

use sqlx::error::DatabaseError;

use crate::Error;
use crate::error::Source;

// Primary result codes, https://www.sqlite.org/rescode.html.
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;

pub(crate) fn kind(fault: &dyn DatabaseError) -> fn(Source) -> Error {
    match primary_code(fault) {
        Some(BUSY | LOCKED) => Error::Busy,
        Some(FULL) => Error::Full,
        Some(PERM | READONLY | AUTH) => Error::PermissionDenied,
        Some(CORRUPT | NOTADB) => Error::Damaged,
        _ => Error::Unavailable,
    }
}

/// The primary result code: the low byte of the extended one, which sqlx gives as text.
fn primary_code(fault: &dyn DatabaseError) -> Option<i32> {
    fault.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
