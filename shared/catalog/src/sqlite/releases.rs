//! Releases and their ledger.

use async_trait::async_trait;
use pappus_domain::release::{Change, LedgerEntry};
use pappus_domain::{ModelName, Release};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::SqliteCatalog;
use crate::{Error, Releases, read};

#[async_trait]
impl Releases for SqliteCatalog {
    async fn release(&self, model: &ModelName) -> Result<Option<Release>, Error> {
        let query = sqlx::query(include_str!("releases/get.sql")).bind(model.as_str());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::release).transpose()
    }

    async fn change_release(&self, from: Option<&Release>, to: &Release, change: Change) -> Result<LedgerEntry, Error> {
        let mut transaction = self.begin().await?;
        let get = sqlx::query(include_str!("releases/get.sql")).bind(to.model.as_str());
        let found = get.fetch_optional(&mut *transaction).await?.as_ref().map(read::release).transpose()?;
        if found.as_ref() != from {
            return Err(Error::ReleaseMoved { expected: from.cloned().map(Box::new), found: found.map(Box::new) });
        }
        let last = sqlx::query(include_str!("releases/last_entry.sql")).bind(to.model.as_str());
        let last = last.fetch_optional(&mut *transaction).await?.as_ref().map(read::ledger_entry).transpose()?;
        let entry = LedgerEntry::new(last.as_ref(), from, to, change);
        bind(include_str!("releases/set.sql"), to).execute(&mut *transaction).await?;
        bind_entry(include_str!("releases/append.sql"), &entry).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(entry)
    }

    async fn ledger(&self, model: &ModelName) -> Result<Vec<LedgerEntry>, Error> {
        let query = sqlx::query(include_str!("releases/ledger.sql")).bind(model.as_str());
        query.fetch_all(&self.readers).await?.iter().map(read::ledger_entry).collect()
    }
}

/// A statement whose parameters are a release.
pub(super) fn bind<'q>(sql: &'static str, release: &'q Release) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(release.model.as_str())
        .bind(release.champion.as_str())
        .bind(release.previous.as_ref().map(|version| version.as_str()))
        .bind(release.generation.cast_signed())
}

/// A statement whose parameters are an entry of the ledger.
pub(super) fn bind_entry<'q>(sql: &'static str, entry: &'q LedgerEntry) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(entry.model.as_str())
        .bind(entry.generation.cast_signed())
        .bind(entry.action.as_str())
        .bind(entry.from.as_ref().map(|version| version.as_str()))
        .bind(entry.to.as_str())
        .bind(&entry.actor)
        .bind(&entry.reason)
        .bind(entry.at.as_millisecond())
        .bind(entry.before.as_bytes().as_slice())
        .bind(entry.digest.as_bytes().as_slice())
}
