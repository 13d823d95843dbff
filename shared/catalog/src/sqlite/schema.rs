//! The layout of the file, brought up to date when it is opened.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use super::PATIENCE;
use crate::Error;

/// The steps from an empty file to the layout of today; the file's `user_version` is the number of steps it has taken.
const STEPS: [&str; 2] = [
    include_str!("../../migrations/sqlite/0001_catalog.sql"),
    include_str!("../../migrations/sqlite/0002_retraining.sql"),
];

/// The file's `application_id`, set by the first step.
const APPLICATION: i64 = 0x5061_7070;

/// Makes the file a catalog of today's layout. Several processes may do so at once; where nothing is to do, none of them
/// waits for another.
pub(super) async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<(), Error> {
    let cannot = |source: sqlx::Error| match Error::from(source) {
        Error::Unavailable(source) => Error::CannotOpen { path: path.into(), source },
        error => error,
    };
    let mut connection = options.connect().await.map_err(cannot)?;
    if steps_taken(path, &mut connection).await? < STEPS.len() {
        migrate(path, &mut connection).await?;
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
    connection.close().await?;
    if mode == "wal" { Ok(()) } else { switch_to_wal(options).await }
}

/// How many of the steps the file has taken already.
async fn steps_taken(path: &Path, connection: &mut SqliteConnection) -> Result<usize, Error> {
    // In one statement, for another process may be taking the steps meanwhile.
    let (taken, application, tables): (i64, i64, i64) =
        sqlx::query_as(include_str!("schema.sql")).fetch_one(&mut *connection).await?;
    if application != APPLICATION && (taken, application, tables) != (0, 0, 0) {
        return Err(Error::Foreign(path.into()));
    }
    let known = STEPS.len();
    usize::try_from(taken).ok().filter(|taken| *taken <= known).ok_or(Error::NewerSchema { found: taken, known })
}

async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), Error> {
    // The lock comes first: what is read under it stays true until the steps are taken.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let taken = steps_taken(path, &mut transaction).await?;
    for (number, step) in (1..).zip(STEPS).skip(taken) {
        sqlx::raw_sql(step).execute(&mut *transaction).await?;
        // A pragma takes no parameters.
        let counted = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {number}"));
        sqlx::raw_sql(counted).execute(&mut *transaction).await?;
        tracing::info!(path = %path.display(), layout = number, "brought the catalog's layout up to date");
    }
    Ok(transaction.commit().await?)
}

/// Makes write-ahead logging the file's mode for good. SQLite gives up at once where another process holds any lock at
/// that moment, instead of waiting as it does otherwise, so the waiting is done here.
async fn switch_to_wal(options: &SqliteConnectOptions) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let switched = options.clone().journal_mode(SqliteJournalMode::Wal).connect().await;
        match switched.map_err(Error::from) {
            Err(Error::Busy(_)) if begun.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => return Err(error),
            Ok(connection) => return Ok(connection.close().await?),
        }
    }
}
