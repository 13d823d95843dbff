//! The true labels of predictions.

use async_trait::async_trait;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Feedback, ModelName, ModelVersion, Timestamp};

use super::MySqlCatalog;
use super::server::Statement;
use crate::write::rows;
use crate::{Error, Feedbacks, read};

#[async_trait]
impl Feedbacks for MySqlCatalog {
    async fn record_feedback(&self, feedback: &Feedback) -> Result<(), Error> {
        self.server.execute(|| bind(include_str!("feedback/record.sql"), feedback)).await?;
        Ok(())
    }

    async fn feedback(&self, prediction: &PredictionId) -> Result<Option<Feedback>, Error> {
        let get = sqlx::query(include_str!("feedback/get.sql")).bind(prediction.0.as_bytes().as_slice());
        self.server.row(get).await?.as_ref().map(read::feedback).transpose()
    }

    async fn feedback_since(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Feedback>, Error> {
        let told = sqlx::query(include_str!("feedback/since.sql")).bind(model.as_str()).bind(version.as_str());
        let told = told.bind(since.as_millisecond()).bind(rows(limit));
        self.server.rows(told).await?.iter().map(read::feedback).collect()
    }
}

/// A statement whose parameters are the true label of a prediction.
pub(super) fn bind<'q>(sql: &'static str, feedback: &'q Feedback) -> Statement<'q> {
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
