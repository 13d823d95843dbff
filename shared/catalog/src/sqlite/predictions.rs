//! The prediction log.

use async_trait::async_trait;
use pappus_domain::Prediction;
use pappus_domain::prediction::PredictionId;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::SqliteCatalog;
use super::row::{Row, rows, to_json};
use crate::{Error, Predictions};

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
        query.fetch_optional(&self.readers).await?.as_ref().map(read).transpose()
    }

    async fn recent_predictions(&self, limit: usize) -> Result<Vec<Prediction>, Error> {
        let query = sqlx::query(include_str!("predictions/recent.sql")).bind(rows(limit));
        query.fetch_all(&self.readers).await?.iter().map(read).collect()
    }

    async fn prediction_count(&self) -> Result<u64, Error> {
        let counted = sqlx::query(include_str!("predictions/count.sql")).fetch_one(&self.readers).await?;
        Row::of("predictions", &counted).bits("predictions")
    }
}

async fn log(connection: &mut SqliteConnection, prediction: &Prediction) -> Result<(), Error> {
    let id = prediction.id;
    sqlx::query(include_str!("predictions/log.sql"))
        .bind(id.0.as_bytes().as_slice())
        .bind(prediction.model.as_str())
        .bind(prediction.version.as_str())
        .bind(prediction.image.as_bytes().as_slice())
        .bind(prediction.class.as_str())
        .bind(to_json(|| format!("the probabilities of prediction `{id}`"), &prediction.probabilities)?)
        .bind(prediction.latency_us.cast_signed())
        .bind(&prediction.source)
        .bind(prediction.at.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Prediction, Error> {
    let row = Row::of("predictions", row);
    Ok(Prediction {
        id: PredictionId(row.uuid("id")?),
        model: row.parse("model")?,
        version: row.parse("version")?,
        image: row.digest("image")?,
        class: row.parse("class")?,
        probabilities: row.json("probabilities")?,
        latency_us: row.bits("latency_us")?,
        source: row.get("source")?,
        at: row.time("at")?,
    })
}
