//! Data sets and runs.

use async_trait::async_trait;
use pappus_domain::{Digest, ModelName, Run, RunId, RunStatus, Timestamp};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::SqliteCatalog;
use crate::write::{self, rows};
use crate::{DataSetRecord, Error, Runs, read};

#[async_trait]
impl Runs for SqliteCatalog {
    async fn record_data_set(&self, data_set: &DataSetRecord) -> Result<(), Error> {
        bind_data_set(include_str!("runs/record_data_set.sql"), data_set).execute(&self.writer).await?;
        Ok(())
    }

    async fn data_set(&self, digest: &Digest) -> Result<Option<DataSetRecord>, Error> {
        let query = sqlx::query(include_str!("runs/data_set.sql")).bind(digest.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::data_set).transpose()
    }

    async fn create_run(&self, run: &Run) -> Result<(), Error> {
        create(&mut *self.writer.acquire().await?, run).await?;
        Ok(())
    }

    async fn update_run(
        &self,
        id: &RunId,
        data_set: Option<&Digest>,
        status: &RunStatus,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let moved = sqlx::query(include_str!("runs/update.sql"))
            .bind(id.0.as_bytes().as_slice())
            .bind(data_set.map(|digest| digest.as_bytes().as_slice()))
            .bind(i64::from(status.is_over()))
            .bind(write_status(id, status)?)
            .bind(now.as_millisecond())
            .execute(&self.writer)
            .await?;
        Ok(moved.rows_affected() == 1)
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error> {
        let query = sqlx::query(include_str!("runs/get.sql")).bind(id.0.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::run).transpose()
    }

    async fn runs(&self, model: &ModelName, limit: usize) -> Result<Vec<Run>, Error> {
        let query = sqlx::query(include_str!("runs/last.sql")).bind(model.as_str()).bind(rows(limit));
        query.fetch_all(&self.readers).await?.iter().map(read::run).collect()
    }
}

/// Records a run unless it is there; says whether it was new.
pub(super) async fn create(connection: &mut SqliteConnection, run: &Run) -> Result<bool, Error> {
    let id = run.request.run;
    let created = sqlx::query(include_str!("runs/create.sql"))
        .bind(id.0.as_bytes().as_slice())
        .bind(run.request.model.as_str())
        .bind(write::json(|| format!("the request of run `{id}`"), &run.request)?)
        .bind(run.data_set.as_ref().map(|digest| digest.as_bytes().as_slice()))
        .bind(i64::from(run.status.is_over()))
        .bind(write_status(&id, &run.status)?)
        .bind(run.requested_at.as_millisecond())
        .bind(run.updated_at.as_millisecond())
        .execute(connection)
        .await?;
    Ok(created.rows_affected() == 1)
}

/// A statement whose parameters are a data set.
pub(super) fn bind_data_set<'q>(sql: &'static str, data_set: &'q DataSetRecord) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(data_set.digest.as_bytes().as_slice())
        .bind(data_set.labelled.cast_signed())
        .bind(data_set.frozen_at.as_millisecond())
}

fn write_status(id: &RunId, status: &RunStatus) -> Result<String, Error> {
    write::json(|| format!("the status of run `{id}`"), status)
}
