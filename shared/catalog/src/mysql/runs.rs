//! Data sets and runs.

use async_trait::async_trait;
use pappus_domain::{Digest, ModelName, Run, RunId, RunStatus, Timestamp};

use super::MySqlCatalog;
use super::server::Statement;
use crate::write::{self, rows};
use crate::{DataSetRecord, Error, Runs, read};

#[async_trait]
impl Runs for MySqlCatalog {
    async fn record_data_set(&self, data_set: &DataSetRecord) -> Result<(), Error> {
        self.server.execute(|| bind_data_set(include_str!("runs/record_data_set.sql"), data_set)).await?;
        Ok(())
    }

    async fn data_set(&self, digest: &Digest) -> Result<Option<DataSetRecord>, Error> {
        let get = sqlx::query(include_str!("runs/data_set.sql")).bind(digest.as_bytes().as_slice());
        self.server.row(get).await?.as_ref().map(read::data_set).transpose()
    }

    async fn create_run(&self, run: &Run) -> Result<(), Error> {
        let texts = RunTexts::of(run)?;
        self.server.execute(|| texts.create(run)).await?;
        Ok(())
    }

    async fn update_run(
        &self,
        id: &RunId,
        data_set: Option<&Digest>,
        status: &RunStatus,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let json = write_status(id, status)?;
        let update = || {
            sqlx::query(include_str!("runs/update.sql"))
                .bind(data_set.map(|digest| digest.as_bytes().as_slice()))
                .bind(status.is_over())
                .bind(&json)
                .bind(now.as_millisecond())
                .bind(id.0.as_bytes().as_slice())
        };
        Ok(self.server.execute(update).await? == 1)
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        let get = sqlx::query(include_str!("runs/get.sql")).bind(id.0.as_bytes().as_slice());
        self.server.row(get).await?.as_ref().map(read::run).transpose()
    }

    async fn runs(&self, model: &ModelName, limit: usize) -> Result<Vec<Run>, Error> {
        let last = sqlx::query(include_str!("runs/last.sql")).bind(model.as_str()).bind(rows(limit));
        self.server.rows(last).await?.iter().map(read::run).collect()
    }
}

/// The JSON of a run.
pub(super) struct RunTexts {
    request: String,
    status: String,
}

impl RunTexts {
    pub(super) fn of(run: &Run) -> Result<Self, Error> {
        let id = run.request.run;
        let request = write::json(|| format!("the request of run `{id}`"), &run.request)?;
        Ok(Self { request, status: write_status(&id, &run.status)? })
    }

    /// The statement that records it unless it is there.
    pub(super) fn create<'q>(&'q self, run: &'q Run) -> Statement<'q> {
        sqlx::query(include_str!("runs/create.sql"))
            .bind(run.request.run.0.as_bytes().as_slice())
            .bind(run.request.model.as_str())
            .bind(&self.request)
            .bind(run.data_set.as_ref().map(|digest| digest.as_bytes().as_slice()))
            .bind(run.status.is_over())
            .bind(&self.status)
            .bind(run.requested_at.as_millisecond())
            .bind(run.updated_at.as_millisecond())
    }
}

/// A statement whose parameters are a data set.
pub(super) fn bind_data_set<'q>(sql: &'static str, data_set: &'q DataSetRecord) -> Statement<'q> {
    sqlx::query(sql)
        .bind(data_set.digest.as_bytes().as_slice())
        .bind(data_set.labelled.cast_signed())
        .bind(data_set.frozen_at.as_millisecond())
}

fn write_status(id: &RunId, status: &RunStatus) -> Result<String, Error> {
    write::json(|| format!("the status of run `{id}`"), status)
}
