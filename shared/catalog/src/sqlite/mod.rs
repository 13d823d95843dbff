//! A catalog in one SQLite file, which any number of processes on one machine may share.
//!
//! One connection writes, a few read. The log is written ahead (WAL), so readers and the writer do not wait for each
//! other, and reaches the disk with every commit. Transactions that write take the write lock when they begin: so they
//! wait for each other (ten seconds at most) and never fail half-way because another process was quicker.

mod decisions;
pub(crate) mod fault;
mod feedback;
mod images;
mod leases;
mod models;
mod predictions;
mod releases;
mod row;
mod runs;
mod schema;
mod sources;
mod transfer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, Transaction};

use crate::{Catalog, Error};

/// How long a write waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that read.
const READERS: u32 = 4;

/// A catalog in one SQLite file.
#[derive(Debug)]
pub struct SqliteCatalog {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteCatalog {
    /// Opens the catalog in the file `path`. A file that is missing is made, with its directory; one of an older layout
    /// is brought up to date.
    ///
    /// # Errors
    /// [`Error::NewerSchema`], [`Error::Foreign`] or [`Error::Damaged`] where the file is not what this program can
    /// use; [`Error::CannotOpen`] where it cannot be used at all; [`Error::Busy`] where others keep it locked.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let cannot = |source: std::io::Error| Error::CannotOpen { path: path.into(), source: source.into() };
        let path: PathBuf = std::path::absolute(path).map_err(cannot)?;
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(cannot)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        schema::prepare(&path, &options).await?;
        let writer = pool(1).connect_lazy_with(options.clone());
        let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// A pool that keeps what it has opened.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(3 * PATIENCE)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        // SQLite itself ends a transaction for which there is no space. sqlx then still counts it as open and would
        // refuse to begin another on this connection, so that one is given up.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn check(&self) -> Result<(), Error> {
        sqlx::query(include_str!("check.sql")).fetch_optional(&self.readers).await?;
        Ok(())
    }

    async fn close(&self) {
        // The writer goes last: it may write the log back into the file, a reader may not.
        self.readers.close().await;
        self.writer.close().await;
    }
}
