//! Decisions whether to train.

use async_trait::async_trait;
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::{ModelName, Timestamp};

use super::MySqlCatalog;
use super::server::Statement;
use crate::write::{self, rows};
use crate::{Decisions, Error, read};

#[async_trait]
impl Decisions for MySqlCatalog {
    async fn record_decision(&self, decision: &DecisionRecord) -> Result<(), Error> {
        let json = json(decision)?;
        self.server.execute(|| bind(decision, &json)).await?;
        Ok(())
    }

    async fn decisions(&self, model: &ModelName, limit: usize) -> Result<Vec<DecisionRecord>, Error> {
        let last = sqlx::query(include_str!("decisions/last.sql")).bind(model.as_str()).bind(rows(limit));
        self.server.rows(last).await?.iter().map(read::decision).collect()
    }

    async fn delete_decisions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let delete = || {
            let delete = sqlx::query(include_str!("decisions/delete.sql"));
            delete.bind(before.as_millisecond()).bind(rows(at_most))
        };
        self.server.execute(delete).await
    }
}

pub(super) fn json(decision: &DecisionRecord) -> Result<String, Error> {
    write::json(|| format!("decision `{}`", decision.id), decision)
}

/// The statement that records a decision unless it is there.
pub(super) fn bind<'q>(decision: &'q DecisionRecord, json: &'q str) -> Statement<'q> {
    sqlx::query(include_str!("decisions/record.sql"))
        .bind(decision.id.0.as_bytes().as_slice())
        .bind(decision.model.as_str())
        .bind(decision.at.as_millisecond())
        .bind(json)
}
