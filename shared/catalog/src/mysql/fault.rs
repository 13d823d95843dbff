//! What an error of MySQL or MariaDB amounts to.

use sqlx::mysql::MySqlDatabaseError;

use crate::Error;
use crate::error::Source;

// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, and from 1900 on
// https://mariadb.com/docs/server/reference/error-codes. Both mean the same by the same number, the last few apart.
const DISK_FULL: u16 = 1021;
const WRITE_FAILED: u16 = 1026;
const ENGINE_FAILED: u16 = 1030;
const TABLE_FULL: u16 = 1114;
const ROW_CHANGED: u16 = 1020;
const DUPLICATE: u16 = 1062;
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;
const TOO_MANY_CONNECTIONS: u16 = 1040;
const TOO_MANY_OF_USER: u16 = 1203;
const USER_LIMIT: u16 = 1226;
const INTERRUPTED: u16 = 1317;
const STATEMENT_TIMEOUT: u16 = 3024;
const STATEMENT_TIMEOUT_MARIADB: u16 = 1969;
const NO_DATABASE: u16 = 1049;
const DATABASE_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const HOST_DENIED: u16 = 1130;
const TABLE_DENIED: u16 = 1142;
const COLUMN_DENIED: u16 = 1143;
const PRIVILEGE_DENIED: u16 = 1227;
const PASSWORDLESS_DENIED: u16 = 1698;
const PASSWORD_MUST_CHANGE: u16 = 1820;
const PASSWORD_EXPIRED: u16 = 1862;
const ACCOUNT_LOCKED: u16 = 3118;
const ACCOUNT_LOCKED_MARIADB: u16 = 4151;
const OPTION_PREVENTS: u16 = 1290;
const READ_ONLY_TRANSACTION: u16 = 1792;
const READ_ONLY_MODE: u16 = 1836;
const PACKET_TOO_LARGE: u16 = 1153;
const OUT_OF_RANGE: u16 = 1264;
const UNKNOWN_COLUMN: u16 = 1054;
const NO_TEXT: u16 = 1366;
const TOO_LONG: u16 = 1406;

pub(crate) fn kind(fault: &MySqlDatabaseError) -> fn(Source) -> Error {
    match fault.number() {
        DISK_FULL | TABLE_FULL => Error::Full,
        // The system's own number of the failure is in the text: 28, no space left on device.
        WRITE_FAILED | ENGINE_FAILED if fault.message().contains("28") => Error::Full,
        ROW_CHANGED | DUPLICATE | LOCK_WAIT_TIMEOUT | DEADLOCK => Error::Busy,
        TOO_MANY_CONNECTIONS | TOO_MANY_OF_USER | USER_LIMIT => Error::Busy,
        INTERRUPTED | STATEMENT_TIMEOUT | STATEMENT_TIMEOUT_MARIADB => Error::Busy,
        NO_DATABASE => Error::NoDatabase,
        DATABASE_DENIED
        | ACCESS_DENIED
        | HOST_DENIED
        | TABLE_DENIED
        | COLUMN_DENIED
        | PRIVILEGE_DENIED
        | PASSWORDLESS_DENIED
        | PASSWORD_MUST_CHANGE
        | PASSWORD_EXPIRED
        | ACCOUNT_LOCKED
        | ACCOUNT_LOCKED_MARIADB => credentials,
        OPTION_PREVENTS if fault.message().contains("read") => Error::ReadOnly,
        READ_ONLY_TRANSACTION | READ_ONLY_MODE => Error::ReadOnly,
        PACKET_TOO_LARGE | OUT_OF_RANGE | NO_TEXT | TOO_LONG => unwritable,
        _ => Error::Unavailable,
    }
}

fn credentials(source: Source) -> Error {
    let hint = "check the user and the password of its URL, and grant that user ALL on its database";
    Error::Credentials { hint, source }
}

fn unwritable(source: Source) -> Error {
    Error::Unwritable { what: "something that does not fit where it belongs".into(), source }
}

/// What the server itself said, if the error is that.
fn told(error: &Error) -> Option<&MySqlDatabaseError> {
    let sqlx::Error::Database(fault) = std::error::Error::source(error)?.downcast_ref()? else { return None };
    fault.try_downcast_ref()
}

/// Whether the server itself said that something is wrong: then the connection is as good as before.
pub(super) fn is_told(error: &Error) -> bool {
    told(error).is_some()
}

/// Whether others stood in the way: the same again, from the beginning, is likely to get through.
pub(super) fn is_collision(error: &Error) -> bool {
    told(error).is_some_and(|fault| matches!(fault.number(), ROW_CHANGED | DUPLICATE | LOCK_WAIT_TIMEOUT | DEADLOCK))
}

/// Whether a table has other columns than it was taken to have.
pub(super) fn is_other_column(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(fault) => {
            fault.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|fault| fault.number() == UNKNOWN_COLUMN)
        }
        sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}
