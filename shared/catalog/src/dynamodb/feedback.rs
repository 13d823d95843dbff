//! The true labels of predictions. People tell them, so there are few: all lie in one partition.

use async_trait::async_trait;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Feedback, ModelName, ModelVersion, Timestamp};

use super::item::{FIRST_ORDER, Item, Row};
use super::key::{self, Key};
use super::query::{Order, Query};
use super::table::If;
use super::{DynamoDbCatalog, TURNS, overtaken};
use crate::{Error, Feedbacks};

#[async_trait]
impl Feedbacks for DynamoDbCatalog {
    async fn record_feedback(&self, feedback: &Feedback) -> Result<(), Error> {
        for _ in 0..TURNS {
            let known = self.table.get(Key::feedback(&feedback.prediction)).await?;
            let known = known.map(|row| Row::of("feedback", row));
            if known.as_ref().map(read).transpose()?.is_some_and(|there| there.at > feedback.at) {
                return Ok(());
            }
            if self.table.put(write(feedback), If::still(known.as_ref())?).await? {
                return Ok(());
            }
        }
        Err(overtaken("the true label of a prediction"))
    }

    async fn feedback(&self, prediction: &PredictionId) -> Result<Option<Feedback>, Error> {
        let found = self.table.get(Key::feedback(prediction)).await?;
        found.map(|row| read(&Row::of("feedback", row))).transpose()
    }

    async fn feedback_since(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Feedback>, Error> {
        let of_version = format!("{model}/{version}/");
        let from = format!("{of_version}{}", key::ordered(since.as_millisecond()));
        let query = Query::after(key::FEEDBACK, Order::First, &of_version, from).newest_first().in_pages_of(limit);
        let rows = self.table.rows(query).take(limit);
        rows.and_then(async |row| read(&Row::of("feedback", row))).try_collect().await
    }
}

pub(super) fn write(feedback: &Feedback) -> Item {
    Item::at(Key::feedback(&feedback.prediction))
        .text(FIRST_ORDER, key::feedback_by_time(feedback))
        .text("prediction", feedback.prediction.to_string())
        .text("model", feedback.model.as_str())
        .text("version", feedback.version.as_str())
        .text("image", feedback.image.to_string())
        .text("class", feedback.class.as_str())
        .text("label", feedback.label.as_str())
        .time("predicted_at", feedback.predicted_at)
        .time("at", feedback.at)
}

pub(super) fn read(row: &Row) -> Result<Feedback, Error> {
    Ok(Feedback {
        prediction: row.parse("prediction")?,
        model: row.parse("model")?,
        version: row.parse("version")?,
        image: row.parse("image")?,
        class: row.parse("class")?,
        label: row.parse("label")?,
        predicted_at: row.time("predicted_at")?,
        at: row.time("at")?,
    })
}
