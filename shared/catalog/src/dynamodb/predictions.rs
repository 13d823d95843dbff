//! The prediction log: spread by the hour, so that any number of rows costs no more to write to or to read the end of.
//!
//! A prediction lies where its id says, so that it is found by its id alone: in the hour that a UUIDv7 begins with. There
//! it stands in the order of time too, as a rule. Where it was made in another hour than its id says (at the turn of the
//! hour, or for an event that came late) it lies in both: where the id says it is only found by id, where the time says
//! it is only found by time, and both are written as one.

pub(super) mod listed;

use std::collections::HashSet;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Prediction, Timestamp};

use super::item::{FIRST_ORDER, Item, ROW, Row};
use super::key::{self, HourPart, Key};
use super::parts::gathered;
use super::query::{Order, Query, last_first, merged};
use super::table::{If, Write};
use super::{AT_ONCE, DynamoDbCatalog};
use crate::{Cursor, Error, Predictions, TimeRange};
pub(super) use listed::Listed;

/// Partitions that are counted at once.
const COUNTS_AT_ONCE: usize = 8;

#[async_trait]
impl Predictions for DynamoDbCatalog {
    async fn log_predictions(&self, predictions: &[Prediction]) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let first: Vec<&Prediction> = predictions.iter().filter(|made| seen.insert(made.id)).collect();
        self.log(&first).await?;
        Ok(())
    }

    async fn prediction(&self, id: &PredictionId) -> Result<Option<Prediction>, Error> {
        let found = self.table.get(HourPart::of_id(id).key(id)).await?;
        found.map(|row| read(&Row::of("predictions", row))).transpose()
    }

    async fn predictions(
        &self,
        within: &TimeRange,
        before: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Prediction>, Error> {
        let bounds = bounds(within);
        let last = before.map_or(bounds.1, |cursor| cursor.at.as_millisecond().min(bounds.1));
        let parts = listed::between(&self.table, (key::hour_of(bounds.0), key::hour_of(last)), true);
        let before = before.copied();
        gathered(hours(parts).boxed(), limit, |parts, wanted| self.newest(&parts, bounds, before, wanted)).await
    }

    async fn count_predictions(&self, within: &TimeRange, at_most: u64) -> Result<u64, Error> {
        let bounds = bounds(within);
        let parts = listed::between(&self.table, (key::hour_of(bounds.0), key::hour_of(bounds.1)), true);
        let counts = parts.map_ok(|part| self.table.count(in_time(part.partition(), bounds), at_most));
        let mut counts = counts.try_buffer_unordered(COUNTS_AT_ONCE);
        let mut predictions = 0;
        while predictions < at_most {
            let Some(counted) = counts.try_next().await? else { break };
            predictions += counted;
        }
        Ok(predictions.min(at_most))
    }

    async fn delete_predictions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let bounds = (i64::MIN, before.as_millisecond());
        let parts = listed::between(&self.table, (i64::MIN, key::hour_of(bounds.1)), false);
        let (mut hours, mut removed) = (hours(parts).boxed(), 0);
        while removed < at_most {
            let Some(parts) = hours.try_next().await? else { break };
            let wanted = at_most - removed;
            let oldest: Vec<Placed> = self.oldest(&parts, bounds, wanted).take(wanted).try_collect().await?;
            // What only the id finds goes first: what is left by a failure is still found by its time.
            let others = oldest.iter().filter_map(Placed::elsewhere).collect();
            self.table.delete_all(others).await?;
            self.table.delete_all(oldest.iter().map(|placed| placed.part.key(&placed.id)).collect()).await?;
            removed += oldest.len();
            if oldest.len() < wanted && parts.iter().all(|part| part.hour < key::hour_of(bounds.1)) {
                listed::strike_off(&self.table, &parts).await?;
            }
        }
        Ok(removed as u64)
    }
}

/// From a millisecond to before another.
type Bounds = (i64, i64);

/// Where a prediction is found by its time.
struct Placed {
    part: HourPart,
    at: Timestamp,
    id: PredictionId,
}

impl Placed {
    /// Where it is found by its id, if that is elsewhere.
    fn elsewhere(&self) -> Option<Key> {
        let by_id = HourPart::of_id(&self.id);
        (by_id != self.part).then(|| by_id.key(&self.id))
    }
}

impl DynamoDbCatalog {
    /// Writes predictions, no id twice. One that is there stays as it is; says of each whether it was new.
    pub(super) async fn log(&self, predictions: &[&Prediction]) -> Result<Vec<bool>, Error> {
        let rows = predictions.iter().map(|made| write(made)).collect::<Result<Vec<_>, _>>()?;
        let parts = || predictions.iter().map(|made| HourPart::of_time(made.at, &made.id)).collect();
        // First, for a row that is in no listed hour would never be forgotten; and again where the hour is so old that it
        // may have been struck off meanwhile: of those of late nothing is asked twice.
        self.listed.add(&self.table, parts()).await?;
        let new = stream::iter(rows).map(|rows| self.log_one(rows)).buffered(AT_ONCE).try_collect().await?;
        self.listed.add(&self.table, parts()).await?;
        Ok(new)
    }

    async fn log_one(&self, rows: Rows) -> Result<bool, Error> {
        match rows {
            Rows::One(row) => self.table.put(row, If::Absent).await,
            Rows::Two { by_id, by_time } => {
                self.table.transact(vec![Write::Put(by_id, If::Absent), Write::Put(by_time, If::Whatever)]).await
            }
        }
    }

    /// The predictions of one hour, the newest first.
    fn newest(
        &self,
        parts: &[HourPart],
        bounds: Bounds,
        before: Option<Cursor>,
        wanted: usize,
    ) -> BoxStream<'static, Result<Prediction, Error>> {
        let page = page(parts, wanted);
        let each = parts.iter().map(|part| {
            let mut query = in_time(part.partition(), bounds).newest_first().in_pages_of(page);
            if let Some(Cursor { at, id }) = before {
                query.to = query.to.min(key::prediction_by_time(at, &id));
            }
            let rows = self.table.rows(query).and_then(async |row| read(&Row::of("predictions", row)));
            rows.try_filter(move |made| std::future::ready(before.is_none_or(|before| made.id != before.id))).boxed()
        });
        merged(each.collect(), last_first(|made: &Prediction| (made.at, made.id)))
    }

    /// Where the predictions of one hour are, the oldest first.
    fn oldest(&self, parts: &[HourPart], bounds: Bounds, wanted: usize) -> BoxStream<'static, Result<Placed, Error>> {
        let page = page(parts, wanted);
        let each = parts.iter().map(|part| {
            let part = *part;
            let rows = self.table.rows(in_time(part.partition(), bounds).in_pages_of(page).only(&["id", "at"]));
            let placed = move |row| {
                let row = Row::of("predictions", row);
                Ok(Placed { part, at: row.time("at")?, id: row.parse("id")? })
            };
            rows.map(move |row| row.and_then(placed)).boxed()
        });
        merged(each.collect(), |placed: &Placed| (placed.at, placed.id))
    }
}

/// The bounds of a range in milliseconds; the lower is part of it, the upper is not.
fn bounds(within: &TimeRange) -> Bounds {
    let from = within.from.map_or(i64::MIN, Timestamp::as_millisecond);
    (from, within.until.map_or(i64::MAX, Timestamp::as_millisecond))
}

/// The predictions of one partition that were made within bounds, in order of time.
pub(super) fn in_time(partition: String, (from, until): Bounds) -> Query {
    let query = Query::after(partition, Order::First, "/", key::ordered(from));
    // What follows the time in a place makes it come after the time alone.
    Query { to: key::ordered(until), ..query }
}

/// Rows of one page of each partition, so that nearly all of what is wanted comes with the first, and not much else.
fn page(parts: &[HourPart], wanted: usize) -> usize {
    (wanted / parts.len().max(1)).saturating_mul(2).saturating_add(4)
}

/// Partitions one after another, as those of one hour each.
fn hours(
    parts: BoxStream<'static, Result<HourPart, Error>>,
) -> impl Stream<Item = Result<Vec<HourPart>, Error>> + Send + 'static {
    stream::try_unfold(parts.peekable(), |mut parts| async move {
        let Some(first) = parts.try_next().await? else { return Ok(None) };
        let mut hour = vec![first];
        let same = |next: &Result<HourPart, Error>| next.as_ref().is_ok_and(|part| part.hour == first.hour);
        while let Some(part) = std::pin::Pin::new(&mut parts).next_if(same).await {
            hour.push(part?);
        }
        Ok(Some((hour, parts)))
    })
}

/// A prediction as rows.
enum Rows {
    /// Its id and its time say the same hour.
    One(Item),
    /// They do not.
    Two { by_id: Item, by_time: Item },
}

fn write(made: &Prediction) -> Result<Rows, Error> {
    let (by_id, by_time) = (HourPart::of_id(&made.id), HourPart::of_time(made.at, &made.id));
    let in_order = |item: Item| item.text(FIRST_ORDER, key::prediction_by_time(made.at, &made.id));
    if by_id == by_time {
        return Ok(Rows::One(in_order(write_in(made, by_id)?)));
    }
    Ok(Rows::Two { by_id: write_in(made, by_id)?, by_time: in_order(write_in(made, by_time)?) })
}

fn write_in(made: &Prediction, part: HourPart) -> Result<Item, Error> {
    let id = made.id;
    let what = || format!("the probabilities of prediction `{id}`");
    let item = Item::at(part.key(&id))
        .text("id", id.to_string())
        .text("model", made.model.as_str())
        .text("version", made.version.as_str())
        .text("image", made.image.to_string())
        .text("class", made.class.as_str())
        .json("probabilities", &made.probabilities, what)?
        .number("latency_us", made.latency_us)
        .text("source", &made.source)
        .time("at", made.at);
    item.within(ROW, what)
}

pub(super) fn read(row: &Row) -> Result<Prediction, Error> {
    Ok(Prediction {
        id: row.parse("id")?,
        model: row.parse("model")?,
        version: row.parse("version")?,
        image: row.parse("image")?,
        class: row.parse("class")?,
        probabilities: row.json("probabilities")?,
        latency_us: row.number("latency_us")?,
        source: row.text("source")?.into(),
        at: row.time("at")?,
    })
}
