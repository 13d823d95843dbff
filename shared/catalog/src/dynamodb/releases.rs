//! Releases and their ledger.

use async_trait::async_trait;
use futures::stream::TryStreamExt as _;
use pappus_domain::release::{Change, LedgerEntry, ReleaseAction};
use pappus_domain::{ModelName, Release};

use super::item::{Item, ROW, Row};
use super::key::{self, Key};
use super::query::{Order, Query};
use super::table::{If, Write, mark};
use super::{DynamoDbCatalog, TURNS, overtaken};
use crate::{Error, Releases};

/// Which call wrote a ledger entry.
const BY: &str = "by";

#[async_trait]
impl Releases for DynamoDbCatalog {
    async fn release(&self, model: &ModelName) -> Result<Option<Release>, Error> {
        self.release_row(model).await?.as_ref().map(read).transpose()
    }

    async fn change_release(&self, from: Option<&Release>, to: &Release, change: Change) -> Result<LedgerEntry, Error> {
        for _ in 0..TURNS {
            let known = self.release_row(&to.model).await?;
            let found = known.as_ref().map(read).transpose()?;
            if found.as_ref() != from {
                return Err(Error::ReleaseMoved { expected: from.cloned().map(Box::new), found: found.map(Box::new) });
            }
            let last = Query::all(key::LEDGER, Order::Place, &format!("{}/", to.model)).newest_first().in_pages_of(1);
            let last = self.table.rows(last).try_next().await?.map(|row| read_entry(&Row::of("ledger", row)));
            let entry = LedgerEntry::new(last.transpose()?.as_ref(), from, to, change.clone());
            let by = mark();
            let writes = vec![
                Write::Put(write(to), If::still(known.as_ref())?),
                Write::Put(write_entry(&entry)?.text(BY, &by), If::Absent),
            ];
            match self.table.transact(writes).await {
                Ok(true) => return Ok(entry),
                Ok(false) => self.is_overtaken(known.as_ref(), &entry).await?,
                // It may have been done, and only the answer lost.
                Err(error) => match self.entry_row(&entry).await {
                    Ok(Some(row)) if row.text(BY)? == by => return Ok(entry),
                    _ => return Err(error),
                },
            }
        }
        Err(overtaken("the release"))
    }

    async fn ledger(&self, model: &ModelName) -> Result<Vec<LedgerEntry>, Error> {
        let rows = self.table.rows(Query::all(key::LEDGER, Order::Place, &format!("{model}/")));
        rows.and_then(async |row| read_entry(&Row::of("ledger", row))).try_collect().await
    }
}

impl DynamoDbCatalog {
    async fn release_row(&self, model: &ModelName) -> Result<Option<Row>, Error> {
        Ok(self.table.get(Key::release(model)).await?.map(|row| Row::of("releases", row)))
    }

    async fn entry_row(&self, entry: &LedgerEntry) -> Result<Option<Row>, Error> {
        let found = self.table.get(Key::ledger_entry(&entry.model, entry.generation)).await?;
        Ok(found.map(|row| Row::of("ledger", row)))
    }

    /// After a change that was refused: an error, where the release is still as it was, and so the ledger is ahead of it.
    async fn is_overtaken(&self, known: Option<&Row>, entry: &LedgerEntry) -> Result<(), Error> {
        let found = self.release_row(&entry.model).await?;
        if found.as_ref().map(Row::write).transpose()? != known.map(Row::write).transpose()? {
            return Ok(());
        }
        let ahead = self.entry_row(entry).await?;
        ahead.map_or(Ok(()), |row| Err(row.corrupt("the ledger has it, and the release has not come so far")))
    }
}

pub(super) fn write(release: &Release) -> Item {
    Item::at(Key::release(&release.model))
        .text("model", release.model.as_str())
        .text("champion", release.champion.as_str())
        .maybe("previous", release.previous.as_ref().map(|version| version.as_str()))
        .number("generation", release.generation)
}

pub(super) fn read(row: &Row) -> Result<Release, Error> {
    Ok(Release {
        model: row.parse("model")?,
        champion: row.parse("champion")?,
        previous: row.parse_maybe("previous")?,
        generation: row.number("generation")?,
    })
}

pub(super) fn write_entry(entry: &LedgerEntry) -> Result<Item, Error> {
    let LedgerEntry { model, generation, .. } = entry;
    let item = Item::at(Key::ledger_entry(model, *generation))
        .text("model", model.as_str())
        .number("generation", generation)
        .text("action", entry.action.as_str())
        .maybe("from", entry.from.as_ref().map(|version| version.as_str()))
        .text("to", entry.to.as_str())
        .text("actor", &entry.actor)
        .text("reason", &entry.reason)
        .time("at", entry.at)
        .text("before", entry.before.to_string())
        .text("digest", entry.digest.to_string());
    item.within(ROW, || format!("the change of `{model}` at generation {generation}"))
}

pub(super) fn read_entry(row: &Row) -> Result<LedgerEntry, Error> {
    let action = match row.text("action")? {
        "promote" => ReleaseAction::Promote,
        "rollback" => ReleaseAction::Rollback,
        other => return Err(row.corrupt(format!("`{other}` is no action of a release"))),
    };
    Ok(LedgerEntry {
        model: row.parse("model")?,
        generation: row.number("generation")?,
        action,
        from: row.parse_maybe("from")?,
        to: row.parse("to")?,
        actor: row.text("actor")?.into(),
        reason: row.text("reason")?.into(),
        at: row.time("at")?,
        before: row.parse("before")?,
        digest: row.parse("digest")?,
    })
}
