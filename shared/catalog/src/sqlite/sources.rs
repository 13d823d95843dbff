//! Sources.

use std::collections::BTreeMap;

use async_trait::async_trait;
use pappus_domain::image::Label;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::SqliteCatalog;
use crate::write::{self, rows};
use crate::{Added, Error, OnConflict, Source, SourceStatus, Sources, read};

#[async_trait]
impl Sources for SqliteCatalog {
    async fn add_sources(&self, sources: &[(String, Label)], on_conflict: OnConflict) -> Result<Vec<Added>, Error> {
        let mut transaction = self.begin().await?;
        let mut answers = Vec::with_capacity(sources.len());
        for (url, label) in sources {
            answers.push(add(&mut transaction, url, label, on_conflict).await?);
        }
        transaction.commit().await?;
        Ok(answers)
    }

    async fn pending_sources(&self, after: Option<&str>, limit: usize) -> Result<Vec<Source>, Error> {
        let query = sqlx::query(include_str!("sources/pending.sql")).bind(after.unwrap_or_default()).bind(rows(limit));
        let found = query.fetch_all(&self.readers).await?;
        found.iter().map(read::source).collect()
    }

    async fn settle_source(&self, url: &str, status: &SourceStatus) -> Result<(), Error> {
        let settle = bind_status(include_str!("sources/settle.sql"), url, status);
        match settle.execute(&self.writer).await?.rows_affected() {
            0 => Err(Error::NotFound(format!("source `{url}`"))),
            _ => Ok(()),
        }
    }

    async fn source_counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let counted = sqlx::query(include_str!("sources/counts.sql")).fetch_all(&self.readers).await?;
        read::source_counts(&counted)
    }
}

async fn add(
    connection: &mut SqliteConnection,
    url: &str,
    label: &Label,
    on_conflict: OnConflict,
) -> Result<Added, Error> {
    let add = sqlx::query(include_str!("sources/add.sql")).bind(url).bind(label.as_str());
    let add = add.bind(on_conflict == OnConflict::Relabel);
    if add.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(Added::Pending);
    }
    let get = sqlx::query(include_str!("sources/get.sql")).bind(url);
    let found = get.fetch_one(&mut *connection).await?;
    let known = read::source(&found)?;
    Ok(match known.status {
        SourceStatus::Stored { image } => Added::Stored(image),
        _ if known.label == *label => Added::Pending,
        _ => Added::Conflict(known.label),
    })
}

/// A statement whose first parameters are a URL and how far it has come.
pub(super) fn bind_status<'q>(
    sql: &'static str,
    url: &'q str,
    status: &'q SourceStatus,
) -> Query<'q, Sqlite, SqliteArguments> {
    let (name, image, reason) = write::source_status(status);
    sqlx::query(sql).bind(url).bind(name).bind(image).bind(reason)
}
