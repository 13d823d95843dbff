//! Decisions whether to train.

use async_trait::async_trait;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::{ModelName, Timestamp};

use super::DynamoDbCatalog;
use super::item::{FIRST_ORDER, Item, ROW, Row, SECOND_ORDER};
use super::key::{self, Key};
use super::query::{Order, Query};
use super::table::If;
use crate::{Decisions, Error};

#[async_trait]
impl Decisions for DynamoDbCatalog {
    async fn record_decision(&self, decision: &DecisionRecord) -> Result<(), Error> {
        self.table.put(write(decision)?, If::Absent).await?;
        Ok(())
    }

    async fn decisions(&self, model: &ModelName, limit: usize) -> Result<Vec<DecisionRecord>, Error> {
        let query = Query::all(key::DECISIONS, Order::First, &format!("{model}/")).newest_first().in_pages_of(limit);
        let rows = self.table.rows(query).take(limit);
        rows.and_then(async |row| read(&Row::of("decisions", row))).try_collect().await
    }

    async fn delete_decisions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let query = Query::after(key::DECISIONS, Order::Second, "/", key::ordered(i64::MIN));
        let query = Query { to: key::ordered(before.as_millisecond()), ..query };
        let rows = self.table.rows(query.only(&["id"]).in_pages_of(at_most)).take(at_most);
        let keys = rows.and_then(async |row| Ok(Key::decision(&Row::of("decisions", row).parse("id")?)));
        let keys: Vec<Key> = keys.try_collect().await?;
        let count = keys.len() as u64;
        self.table.delete_all(keys).await?;
        Ok(count)
    }
}

pub(super) fn write(decision: &DecisionRecord) -> Result<Item, Error> {
    let what = || format!("decision `{}`", decision.id);
    let item = Item::at(Key::decision(&decision.id))
        .text("id", decision.id.to_string())
        .text(FIRST_ORDER, key::decision_by_age(decision))
        .text(SECOND_ORDER, key::decision_by_time(decision))
        .json("decision", decision, what)?;
    item.within(ROW, what)
}

pub(super) fn read(row: &Row) -> Result<DecisionRecord, Error> {
    row.json("decision")
}
