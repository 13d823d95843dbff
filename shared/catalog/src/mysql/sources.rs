//! Sources. Their key is the digest of the URL; they are in order of what the URLs begin with, then of the keys.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use pappus_domain::Digest;
use pappus_domain::image::Label;

use super::MySqlCatalog;
use super::many::{among, groups, insert};
use super::server::{Session, Statement, persistently};
use crate::merge::batch::{self, Batch};
use crate::write::{rows, source_status};
use crate::{Added, Error, OnConflict, Source, SourceStatus, Sources, read};

/// How many bytes of a URL are in the index that orders them.
const HEAD: usize = 512;

#[async_trait]
impl Sources for MySqlCatalog {
    async fn add_sources(&self, sources: &[(String, Label)], on_conflict: OnConflict) -> Result<Vec<Added>, Error> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        persistently(|| self.add(sources, on_conflict)).await
    }

    async fn pending_sources(&self, after: Option<&str>, limit: usize) -> Result<Vec<Source>, Error> {
        let after = after.unwrap_or_default();
        let id = if after.is_empty() { Vec::new() } else { key(after).as_bytes().to_vec() };
        let query = sqlx::query(include_str!("sources/pending.sql")).bind(head(after)).bind(head(after)).bind(id);
        self.server.rows(query.bind(rows(limit))).await?.iter().map(read::source).collect()
    }

    async fn settle_source(&self, url: &str, status: &SourceStatus) -> Result<(), Error> {
        let (name, image, reason) = source_status(status);
        let id = key(url);
        let settle = || {
            let settle = sqlx::query(include_str!("sources/settle.sql")).bind(name).bind(image).bind(reason);
            settle.bind(id.as_bytes().as_slice())
        };
        match self.server.execute(settle).await? {
            0 => Err(Error::NotFound(format!("source `{url}`"))),
            _ => Ok(()),
        }
    }

    async fn source_counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        read::source_counts(&self.server.rows(sqlx::query(include_str!("sources/counts.sql"))).await?)
    }
}

impl MySqlCatalog {
    async fn add(&self, sources: &[(String, Label)], on_conflict: OnConflict) -> Result<Vec<Added>, Error> {
        let mut transaction = self.server.begin().await?;
        let known = known(&mut transaction, sources.iter().map(|(url, _)| url.as_str())).await?;
        let Batch { new, changed, answers } = batch::sources(known, sources, on_conflict);
        write_all(&mut transaction, include_str!("sources/insert.sql"), &new).await?;
        write_all(&mut transaction, include_str!("sources/update.sql"), &changed).await?;
        transaction.commit().await?;
        Ok(answers)
    }
}

pub(super) fn key(url: &str) -> Digest {
    Digest::of(url.as_bytes())
}

fn head(url: &str) -> &[u8] {
    let bytes = url.as_bytes();
    bytes.get(..HEAD).unwrap_or(bytes)
}

/// Those of the sources that are known, as they are, and locked.
pub(super) async fn known(transaction: &mut Session, urls: impl Iterator<Item = &str>) -> Result<Vec<Source>, Error> {
    let mut ids: Vec<_> = urls.map(key).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut known = Vec::new();
    for group in groups(&ids, |_| 0) {
        let query = among(include_str!("sources/known.sql"), group.len());
        let query = group.iter().fold(query, |query, id| query.bind(id.as_bytes().as_slice()));
        for row in &transaction.rows(query).await? {
            known.push(read::source(row)?);
        }
    }
    Ok(known)
}

pub(super) async fn write_all(
    transaction: &mut Session,
    sql: &str,
    sources: &[impl Borrow<Source>],
) -> Result<(), Error> {
    let length = |source: &Source| source.url.len() + source_status(&source.status).2.map_or(0, str::len);
    for group in groups(sources, |source| length(source.borrow())) {
        let query = insert(sql, group.len());
        transaction.execute(group.iter().fold(query, |query, source| bind(query, source.borrow()))).await?;
    }
    Ok(())
}

fn bind<'q>(statement: Statement<'q>, source: &'q Source) -> Statement<'q> {
    let (status, image, reason) = source_status(&source.status);
    let statement = statement.bind(key(&source.url).as_bytes().to_vec()).bind(head(&source.url));
    statement.bind(source.url.as_bytes()).bind(source.label.as_str()).bind(status).bind(image).bind(reason)
}
