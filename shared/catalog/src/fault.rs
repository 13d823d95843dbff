//! What an error of a database amounts to.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;

use crate::Error;
use crate::error::Source;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::Database(fault) => told_by_database(fault.as_ref()),
            sqlx::Error::Io(fault) if matches!(fault.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Self::Full
            }
            sqlx::Error::PoolTimedOut => Self::Busy,
            _ => Self::Unavailable,
        };
        kind(Box::new(error))
    }
}

fn told_by_database(fault: &dyn DatabaseError) -> fn(Source) -> Error {
    #[cfg(feature = "mysql")]
    if let Some(fault) = fault.try_downcast_ref() {
        return crate::mysql::fault::kind(fault);
    }
    crate::sqlite::fault::kind(fault)
}
