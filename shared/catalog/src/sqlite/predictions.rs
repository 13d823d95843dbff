//! The prediction log.

use async_trait::async_trait;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Prediction, Timestamp};
use sqlx::sqlite::SqliteConnection;

use super::SqliteCatalog;
use crate::row::Row;
use crate::write::{self, bounds, rows};
use crate::{Cursor, Error, Predictions, TimeRange, read};

#[async_trait]
impl Predictions for SqliteCatalog {
    async fn log_predictions(&self, predictions: &[Prediction]) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for prediction in predictions {
            log(&mut transaction, prediction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn prediction(&self, id: &PredictionId) -> Result<Option<Prediction>, Error> {
        let query = sqlx::query(include_str!("predictions/get.sql")).bind(id.0.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::prediction).transpose()
    }

    async fn predictions(
        &self,
        within: &TimeRange,
        before: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Prediction>, Error> {
        let (from, until) = bounds(within);
        // Nothing comes before an empty id: so the end of the range is no part of it.
        let end = (until, [].as_slice());
        let before = before.map_or(end, |cursor| end.min((cursor.at.as_millisecond(), cursor.id.0.as_bytes())));
        let query = sqlx::query(include_str!("predictions/page.sql"));
        let query = query.bind(from).bind(before.0).bind(before.1).bind(rows(limit));
        query.fetch_all(&self.readers).await?.iter().map(read::prediction).collect()
    }

    async fn count_predictions(&self, within: &TimeRange, at_most: u64) -> Result<u64, Error> {
        let (from, until) = bounds(within);
        let count = sqlx::query(include_str!("predictions/count.sql"));
        let count = count.bind(from).bind(until).bind(rows(at_most));
        Row::of("predictions", &count.fetch_one(&self.readers).await?).bits("predictions")
    }

    async fn delete_predictions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let delete = sqlx::query(include_str!("predictions/delete.sql"));
        let delete = delete.bind(before.as_millisecond()).bind(rows(at_most));
        Ok(delete.execute(&self.writer).await?.rows_affected())
    }
}

/// Logs a prediction unless it is there; says whether it was new.
pub(super) async fn log(connection: &mut SqliteConnection, prediction: &Prediction) -> Result<bool, Error> {
    let id = prediction.id;
    let logged = sqlx::query(include_str!("predictions/log.sql"))
        .bind(id.0.as_bytes().as_slice())
        .bind(prediction.model.as_str())
        .bind(prediction.version.as_str())
        .bind(prediction.image.as_bytes().as_slice())
        .bind(prediction.class.as_str())
        .bind(write::json(|| format!("the probabilities of prediction `{id}`"), &prediction.probabilities)?)
        .bind(prediction.latency_us.cast_signed())
        .bind(&prediction.source)
        .bind(prediction.at.as_millisecond())
        .execute(connection)
        .await?;
    Ok(logged.rows_affected() == 1)
}
