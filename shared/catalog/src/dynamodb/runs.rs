//! Data sets and runs.

use async_trait::async_trait;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use pappus_domain::{Digest, ModelName, Run, RunId, RunStatus, Timestamp};

use super::item::{FIRST_ORDER, Item, ROW, Row};
use super::key::{self, Key};
use super::query::{Order, Query};
use super::table::If;
use super::{DynamoDbCatalog, TURNS, overtaken};
use crate::{DataSetRecord, Error, Runs};

#[async_trait]
impl Runs for DynamoDbCatalog {
    async fn record_data_set(&self, data_set: &DataSetRecord) -> Result<(), Error> {
        for _ in 0..TURNS {
            let known = self.table.get(Key::data_set(&data_set.digest)).await?.map(|row| Row::of("data_sets", row));
            let frozen_at = known.as_ref().map_or(Ok(data_set.frozen_at), |known| known.time("frozen_at"))?;
            let item = write_data_set(&DataSetRecord { frozen_at, ..data_set.clone() });
            if self.table.put(item, If::still(known.as_ref())?).await? {
                return Ok(());
            }
        }
        Err(overtaken("the data set"))
    }

    async fn data_set(&self, digest: &Digest) -> Result<Option<DataSetRecord>, Error> {
        let found = self.table.get(Key::data_set(digest)).await?;
        found.map(|row| read_data_set(&Row::of("data_sets", row))).transpose()
    }

    async fn create_run(&self, run: &Run) -> Result<(), Error> {
        self.table.put(write(run)?, If::Absent).await?;
        Ok(())
    }

    async fn update_run(
        &self,
        id: &RunId,
        data_set: Option<&Digest>,
        status: &RunStatus,
        now: Timestamp,
    ) -> Result<bool, Error> {
        for _ in 0..TURNS {
            let Some(known) = self.table.get(Key::run(id)).await?.map(|row| Row::of("runs", row)) else {
                return Ok(false);
            };
            let there = read(&known)?;
            if there.status.is_over() {
                return Ok(false);
            }
            let data_set = data_set.copied().or(there.data_set);
            let moved = Run { data_set, status: status.clone(), updated_at: now, ..there };
            if self.table.put(write(&moved)?, If::still(Some(&known))?).await? {
                return Ok(true);
            }
        }
        Err(overtaken("the run"))
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        self.table.get(Key::run(id)).await?.map(|row| read(&Row::of("runs", row))).transpose()
    }

    async fn runs(&self, model: &ModelName, limit: usize) -> Result<Vec<Run>, Error> {
        let query = Query::all(key::RUNS, Order::First, &format!("{model}/")).newest_first().in_pages_of(limit);
        let rows = self.table.rows(query).take(limit);
        rows.and_then(async |row| read(&Row::of("runs", row))).try_collect().await
    }
}

pub(super) fn write(run: &Run) -> Result<Item, Error> {
    let id = run.request.run;
    let item = Item::at(Key::run(&id))
        .text(FIRST_ORDER, key::run_by_age(run))
        .json("request", &run.request, || format!("the request of run `{id}`"))?
        .json("status", &run.status, || format!("the status of run `{id}`"))?
        .maybe("data_set", run.data_set.map(|digest| digest.to_string()))
        .time("requested_at", run.requested_at)
        .time("updated_at", run.updated_at);
    item.within(ROW, || format!("run `{id}`"))
}

pub(super) fn read(row: &Row) -> Result<Run, Error> {
    Ok(Run {
        request: row.json("request")?,
        data_set: row.parse_maybe("data_set")?,
        status: row.json("status")?,
        requested_at: row.time("requested_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(super) fn read_data_set(row: &Row) -> Result<DataSetRecord, Error> {
    Ok(DataSetRecord {
        digest: row.parse("digest")?,
        labelled: row.number("labelled")?,
        frozen_at: row.time("frozen_at")?,
    })
}

pub(super) fn write_data_set(data_set: &DataSetRecord) -> Item {
    Item::at(Key::data_set(&data_set.digest))
        .text("digest", data_set.digest.to_string())
        .number("labelled", data_set.labelled)
        .time("frozen_at", data_set.frozen_at)
}
