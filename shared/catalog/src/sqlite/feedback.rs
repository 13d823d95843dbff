//! The true labels of predictions.

use async_trait::async_trait;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Feedback, ModelName, ModelVersion, Timestamp};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::SqliteCatalog;
use crate::write::rows;
use crate::{Error, Feedbacks, read};

#[async_trait]
impl Feedbacks for SqliteCatalog {
    async fn record_feedback(&self, feedback: &Feedback) -> Result<(), Error> {
        bind(include_str!("feedback/record.sql"), feedback).execute(&self.writer).await?;
        Ok(())
    }

    async fn feedback(&self, prediction: &PredictionId) -> Result<Option<Feedback>, Error> {
        let query = sqlx::query(include_str!("feedback/get.sql")).bind(prediction.0.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::feedback).transpose()
    }

    async fn feedback_since(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Feedback>, Error> {
        let query = sqlx::query(include_str!("feedback/since.sql")).bind(model.as_str()).bind(version.as_str());
        let query = query.bind(since.as_millisecond()).bind(rows(limit));
        query.fetch_all(&self.readers).await?.iter().map(read::feedback).collect()
    }
}

/// A statement whose parameters are the true label of a prediction.
pub(super) fn bind<'q>(sql: &'static str, feedback: &'q Feedback) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(feedback.prediction.0.as_bytes().as_slice())
        .bind(feedback.model.as_str())
        .bind(feedback.version.as_str())
        .bind(feedback.image.as_bytes().as_slice())
        .bind(feedback.class.as_str())
        .bind(feedback.label.as_str())
        .bind(feedback.predicted_at.as_millisecond())
        .bind(feedback.at.as_millisecond())
}
