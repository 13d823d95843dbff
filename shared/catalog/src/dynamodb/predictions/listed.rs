//! Which partitions of predictions there are: the list that is walked to find them by time.
//!
//! A partition is listed before something is written to it, and again after; and looked at after it was struck off. So a
//! writer that dies leaves nothing unlisted, and whoever of a writer and a remover comes last sees what the other did. The
//! partitions of late are written to all the time: they are not struck off, and a process remembers that it has listed
//! them.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use pappus_domain::Timestamp;

use super::in_time;
use crate::Error;
use crate::dynamodb::item::{Item, Row};
use crate::dynamodb::key::{self, HourPart};
use crate::dynamodb::query::{Order, Query};
use crate::dynamodb::table::Table;

/// For so many hours a process remembers what it has listed.
const REMEMBERED: i64 = 1;
/// For so many hours nothing is struck off: an hour more, for clocks that differ.
const KEPT: i64 = REMEMBERED + 1;
/// Partitions that are asked for at once: those of a day and more. The list grows for as long as the log is kept, and
/// mostly its end is wanted.
const PAGE: usize = 256;

/// The partitions of late that this process has listed.
#[derive(Debug, Default)]
pub(in crate::dynamodb) struct Listed(Mutex<HashSet<HourPart>>);

impl Listed {
    /// Lists partitions that something is written to.
    pub(super) async fn add(&self, table: &Table, parts: HashSet<HourPart>) -> Result<(), Error> {
        let new: Vec<HourPart> = {
            let mut remembered = self.remembered();
            remembered.retain(|part| age(*part) <= REMEMBERED);
            parts.into_iter().filter(|part| !remembered.contains(part)).collect()
        };
        table.put_all(new.iter().map(item).collect()).await?;
        self.remembered().extend(new);
        Ok(())
    }

    fn remembered(&self) -> MutexGuard<'_, HashSet<HourPart>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Strikes partitions off that are empty; those of late stay.
pub(super) async fn strike_off(table: &Table, parts: &[HourPart]) -> Result<(), Error> {
    for part in parts.iter().filter(|part| age(**part) > KEPT) {
        table.delete_all(vec![part.listed()]).await?;
        let all = in_time(part.partition(), (i64::MIN, i64::MAX));
        if table.rows(all.in_pages_of(1)).try_next().await?.is_some() {
            table.put_all(vec![item(part)]).await?;
        }
    }
    Ok(())
}

/// The partitions from one hour to another, both included, the newest first or the oldest.
pub(in crate::dynamodb) fn between(
    table: &Table,
    (from, to): (i64, i64),
    newest_first: bool,
) -> BoxStream<'static, Result<HourPart, Error>> {
    let query = Query::after(key::HOURS, Order::Place, "/", key::ordered(from));
    let query = Query { to: format!("{}0", key::ordered(to)), newest_first, ..query };
    let rows = table.rows(query.in_pages_of(PAGE));
    rows.and_then(async |row| read(&Row::of("prediction hours", row))).boxed()
}

/// How many hours ago the hour of a partition was.
fn age(part: HourPart) -> i64 {
    key::hour_of(Timestamp::now().as_millisecond()) - part.hour
}

fn item(part: &HourPart) -> Item {
    Item::at(part.listed()).number("hour", part.hour).number("part", part.part)
}

fn read(row: &Row) -> Result<HourPart, Error> {
    Ok(HourPart { hour: row.number("hour")?, part: row.number("part")? })
}
