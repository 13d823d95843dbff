//! Sources.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use pappus_domain::image::Label;

use super::item::{FIRST_ORDER, Item, Row};
use super::key::{self, Key, SHARDS};
use super::parts::{Differences, ROW_OF_PART, in_parts};
use super::query::{Order, Query, merged};
use super::table::{If, Write};
use super::{DynamoDbCatalog, TURNS, overtaken};
use crate::{Added, Error, OnConflict, Source, SourceStatus, Sources};

#[async_trait]
impl Sources for DynamoDbCatalog {
    async fn add_sources(&self, sources: &[(String, Label)], on_conflict: OnConflict) -> Result<Vec<Added>, Error> {
        for (url, label) in sources {
            write(&pending(url, label))?;
        }
        in_parts(sources, |(url, _)| (key::source_shard(url), url), |part| self.add(part, on_conflict)).await
    }

    async fn pending_sources(&self, after: Option<&str>, limit: usize) -> Result<Vec<Source>, Error> {
        let from = after.map_or_else(String::new, |url| format!("pending/{}", key::beginning(url)));
        // Nearly all of what is wanted comes with the first page of each shard, and not much else.
        let page = (limit / SHARDS.len()).saturating_mul(2).saturating_add(8);
        let shards = SHARDS.map(|shard| {
            let query = Query::after(key::sources(shard), Order::First, "pending/", from.clone());
            let rows = self.table.rows(query.in_pages_of(page));
            rows.map(|row| read(&Row::of("sources", row?))).boxed()
        });
        let mut sources = merged(shards.into(), |source: &Source| key::pending_source(&source.url));
        let mut found: Vec<Source> = Vec::new();
        while let Some(source) = sources.try_next().await? {
            if after.is_some_and(|after| source.url.as_str() <= after) {
                continue;
            }
            // URLs that are long and begin alike are not in order among themselves, so all of them are wanted.
            let begins_so = |last: &Source| key::beginning(&last.url) == key::beginning(&source.url);
            if found.len() >= limit && !found.last().is_some_and(begins_so) {
                break;
            }
            found.push(source);
        }
        found.sort_by(|a, b| a.url.cmp(&b.url));
        found.truncate(limit);
        Ok(found)
    }

    async fn settle_source(&self, url: &str, status: &SourceStatus) -> Result<(), Error> {
        for _ in 0..TURNS {
            let Some(known) = self.table.get(Key::source(url)).await?.map(|row| Row::of("sources", row)) else {
                return Err(Error::NotFound(format!("source `{url}`")));
            };
            let before = read(&known)?;
            let settled = Source { status: status.clone(), ..before.clone() };
            let mut writes = vec![Write::Put(write(&settled)?, If::still(Some(&known))?)];
            let mut counts = Differences::default();
            counts.add(counted(&settled), 1);
            counts.add(counted(&before), -1);
            writes.extend(counts.writes(&key::sources(key::source_shard(url))));
            if self.table.transact(writes).await? {
                return Ok(());
            }
        }
        Err(overtaken("the source"))
    }

    async fn source_counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (status, sources) in self.table.counts(key::sources).await? {
            *counts.entry(status).or_default() += sources;
        }
        counts.retain(|_, sources| *sources > 0);
        Ok(counts)
    }
}

impl DynamoDbCatalog {
    /// Adds sources of one shard in one transaction, anew where others have changed one of them meanwhile.
    async fn add(&self, sources: Vec<&(String, Label)>, on_conflict: OnConflict) -> Result<Vec<Added>, Error> {
        for _ in 0..TURNS {
            let known = self.known_sources(sources.iter().map(|(url, _)| url.as_str())).await?;
            let mut now: HashMap<String, Source> =
                known.iter().map(|(url, (_, source))| (url.clone(), source.clone())).collect();
            let answers = sources.iter().map(|(url, label)| add_one(&mut now, url, label, on_conflict)).collect();
            let (mut writes, mut counts) = (Vec::new(), Differences::default());
            for (url, source) in &now {
                let before = known.get(url);
                if before.is_some_and(|(_, before)| before == source) {
                    continue;
                }
                writes.push(Write::Put(write(source)?, If::still(before.map(|(row, _)| row))?));
                counts.add(counted(source), 1);
                if let Some((_, before)) = before {
                    counts.add(counted(before), -1);
                }
            }
            writes.extend(counts.writes(&key::sources(key::source_shard(&sources[0].0))));
            if writes.is_empty() || self.table.transact(writes).await? {
                return Ok(answers);
            }
        }
        Err(overtaken("sources"))
    }

    /// Those of some sources that are there, by URL.
    pub(super) async fn known_sources(
        &self,
        urls: impl Iterator<Item = &str> + Send,
    ) -> Result<HashMap<String, (Row, Source)>, Error> {
        let urls: BTreeSet<&str> = urls.collect();
        let rows = self.table.get_all(urls.into_iter().map(Key::source).collect()).await?;
        let rows = rows.into_iter().map(|row| {
            let row = Row::of("sources", row);
            let source = read(&row)?;
            Ok((source.url.clone(), (row, source)))
        });
        rows.collect()
    }
}

/// What becomes of a source beside those that are there `now`.
fn add_one(now: &mut HashMap<String, Source>, url: &str, label: &Label, on_conflict: OnConflict) -> Added {
    match now.get(url) {
        Some(Source { status: SourceStatus::Stored { image }, .. }) => return Added::Stored(*image),
        Some(Source { status: SourceStatus::Pending, label: kept, .. })
            if kept != label && on_conflict == OnConflict::Keep =>
        {
            return Added::Conflict(kept.clone());
        }
        _ => {}
    }
    now.insert(url.into(), pending(url, label));
    Added::Pending
}

fn pending(url: &str, label: &Label) -> Source {
    Source { url: url.into(), label: label.clone(), status: SourceStatus::Pending }
}

const fn name(status: &SourceStatus) -> &'static str {
    match status {
        SourceStatus::Pending => "pending",
        SourceStatus::Stored { .. } => "stored",
        SourceStatus::Failed { .. } => "failed",
    }
}

pub(super) fn counted(source: &Source) -> String {
    key::source_count(name(&source.status))
}

pub(super) fn write(source: &Source) -> Result<Item, Error> {
    let Source { url, label, status } = source;
    let item = Item::at(Key::source(url)).text("url", url).text("label", label.as_str()).text("status", name(status));
    let item = match status {
        SourceStatus::Pending => item.text(FIRST_ORDER, key::pending_source(url)),
        SourceStatus::Stored { image } => item.text("image", image.to_string()),
        SourceStatus::Failed { reason } => item.text("reason", reason),
    };
    item.within(ROW_OF_PART, || format!("source `{}`", key::beginning(url)))
}

pub(super) fn read(row: &Row) -> Result<Source, Error> {
    let status = match row.text("status")? {
        "stored" => SourceStatus::Stored { image: row.parse("image")? },
        "failed" => SourceStatus::Failed { reason: row.text("reason")?.into() },
        _ => SourceStatus::Pending,
    };
    Ok(Source { url: row.text("url")?.into(), label: row.parse("label")?, status })
}
