//! Decisions whether to train.

use async_trait::async_trait;
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::{ModelName, Timestamp};
use sqlx::sqlite::SqliteConnection;

use super::SqliteCatalog;
use crate::write::{self, rows};
use crate::{Decisions, Error, read};

#[async_trait]
impl Decisions for SqliteCatalog {
    async fn record_decision(&self, decision: &DecisionRecord) -> Result<(), Error> {
        record(&mut *self.writer.acquire().await?, decision).await?;
        Ok(())
    }

    async fn decisions(&self, model: &ModelName, limit: usize) -> Result<Vec<DecisionRecord>, Error> {
        let query = sqlx::query(include_str!("decisions/last.sql")).bind(model.as_str()).bind(rows(limit));
        query.fetch_all(&self.readers).await?.iter().map(read::decision).collect()
    }

    async fn delete_decisions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let delete = sqlx::query(include_str!("decisions/delete.sql"));
        let delete = delete.bind(before.as_millisecond()).bind(rows(at_most));
        Ok(delete.execute(&self.writer).await?.rows_affected())
    }
}

/// Records a decision unless it is there; says whether it was new.
pub(super) async fn record(connection: &mut SqliteConnection, decision: &DecisionRecord) -> Result<bool, Error> {
    let recorded = sqlx::query(include_str!("decisions/record.sql"))
        .bind(decision.id.0.as_bytes().as_slice())
        .bind(decision.model.as_str())
        .bind(decision.at.as_millisecond())
        .bind(write::json(|| format!("decision `{}`", decision.id), decision)?)
        .execute(connection)
        .await?;
    Ok(recorded.rows_affected() == 1)
}
