//! What an error of SQLite amounts to.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;

use crate::Error;

// Primary result codes, https://www.sqlite.org/rescode.html.
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let source = |error: sqlx::Error| Box::new(error);
        match &error {
            sqlx::Error::Database(fault) => match primary_code(fault.as_ref()) {
                Some(BUSY | LOCKED) => Self::Busy(source(error)),
                Some(FULL) => Self::Full(source(error)),
                Some(PERM | READONLY | AUTH) => Self::PermissionDenied(source(error)),
                Some(CORRUPT | NOTADB) => Self::Damaged(source(error)),
                _ => Self::Unavailable(source(error)),
            },
            sqlx::Error::Io(fault) if matches!(fault.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Self::Full(source(error))
            }
            sqlx::Error::PoolTimedOut => Self::Busy(source(error)),
            _ => Self::Unavailable(source(error)),
        }
    }
}

/// The primary result code: the low byte of the extended one, which sqlx gives as text.
fn primary_code(fault: &dyn DatabaseError) -> Option<i32> {
    fault.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
