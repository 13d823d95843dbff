//! Releases and their ledger.

use async_trait::async_trait;
use pappus_domain::release::{Change, LedgerEntry};
use pappus_domain::{ModelName, Release};

use super::MySqlCatalog;
use super::server::{Statement, persistently};
use crate::{Error, Releases, read};

#[async_trait]
impl Releases for MySqlCatalog {
    async fn release(&self, model: &ModelName) -> Result<Option<Release>, Error> {
        let get = sqlx::query(include_str!("releases/get.sql")).bind(model.as_str());
        self.server.row(get).await?.as_ref().map(read::release).transpose()
    }

    async fn change_release(&self, from: Option<&Release>, to: &Release, change: Change) -> Result<LedgerEntry, Error> {
        persistently(|| self.change(from, to, change.clone())).await
    }

    async fn ledger(&self, model: &ModelName) -> Result<Vec<LedgerEntry>, Error> {
        let ledger = sqlx::query(include_str!("releases/ledger.sql")).bind(model.as_str());
        self.server.rows(ledger).await?.iter().map(read::ledger_entry).collect()
    }
}

impl MySqlCatalog {
    async fn change(&self, from: Option<&Release>, to: &Release, change: Change) -> Result<LedgerEntry, Error> {
        let mut transaction = self.server.begin().await?;
        let get = sqlx::query(include_str!("releases/locked.sql")).bind(to.model.as_str());
        let found = transaction.row(get).await?.as_ref().map(read::release).transpose()?;
        if found.as_ref() != from {
            transaction.roll_back().await?;
            return Err(Error::ReleaseMoved { expected: from.cloned().map(Box::new), found: found.map(Box::new) });
        }
        let last = sqlx::query(include_str!("releases/last_entry.sql")).bind(to.model.as_str());
        let last = transaction.row(last).await?.as_ref().map(read::ledger_entry).transpose()?;
        let entry = LedgerEntry::new(last.as_ref(), from, to, change);
        let set = if found.is_some() { update(to) } else { insert(to) };
        transaction.execute(set).await?;
        transaction.execute(append(&entry)).await?;
        transaction.commit().await?;
        Ok(entry)
    }
}

pub(super) fn insert(release: &Release) -> Statement<'_> {
    sqlx::query(include_str!("releases/insert.sql"))
        .bind(release.model.as_str())
        .bind(release.champion.as_str())
        .bind(release.previous.as_ref().map(|version| version.as_str()))
        .bind(release.generation.cast_signed())
}

fn update(release: &Release) -> Statement<'_> {
    sqlx::query(include_str!("releases/update.sql"))
        .bind(release.champion.as_str())
        .bind(release.previous.as_ref().map(|version| version.as_str()))
        .bind(release.generation.cast_signed())
        .bind(release.model.as_str())
}

pub(super) fn append(entry: &LedgerEntry) -> Statement<'_> {
    sqlx::query(include_str!("releases/append.sql"))
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
