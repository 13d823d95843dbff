//! The prediction log.

use async_trait::async_trait;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Prediction, Timestamp};

use super::MySqlCatalog;
use super::many::{groups, insert};
use super::server::{Session, Statement, persistently};
use crate::row::Row;
use crate::write::{self, bounds, rows};
use crate::{Cursor, Error, Predictions, TimeRange, read};

#[async_trait]
impl Predictions for MySqlCatalog {
    async fn log_predictions(&self, predictions: &[Prediction]) -> Result<(), Error> {
        let lines = lines(predictions.iter())?;
        persistently(|| self.log(&lines)).await
    }

    async fn prediction(&self, id: &PredictionId) -> Result<Option<Prediction>, Error> {
        let get = sqlx::query(include_str!("predictions/get.sql")).bind(id.0.as_bytes().as_slice());
        self.server.row(get).await?.as_ref().map(read::prediction).transpose()
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
        let (at, id) = before.map_or(end, |cursor| end.min((cursor.at.as_millisecond(), cursor.id.0.as_bytes())));
        let page = sqlx::query(include_str!("predictions/page.sql")).bind(from).bind(at).bind(at).bind(id);
        self.server.rows(page.bind(rows(limit))).await?.iter().map(read::prediction).collect()
    }

    async fn count_predictions(&self, within: &TimeRange, at_most: u64) -> Result<u64, Error> {
        let (from, until) = bounds(within);
        let count = sqlx::query(include_str!("predictions/count.sql")).bind(from).bind(until).bind(rows(at_most));
        let counted = self.server.row(count).await?;
        counted.map_or(Ok(0), |row| Row::of("predictions", &row).bits("predictions"))
    }

    async fn delete_predictions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error> {
        let delete = || {
            let delete = sqlx::query(include_str!("predictions/delete.sql"));
            delete.bind(before.as_millisecond()).bind(rows(at_most))
        };
        self.server.execute(delete).await
    }
}

impl MySqlCatalog {
    async fn log(&self, lines: &[Line<'_>]) -> Result<(), Error> {
        let mut transaction = self.server.begin().await?;
        write_all(&mut transaction, lines).await?;
        transaction.commit().await
    }
}

/// A prediction, and the JSON of its probabilities.
pub(super) struct Line<'a> {
    prediction: &'a Prediction,
    probabilities: String,
}

/// Predictions as they are written, in order of their ids.
pub(super) fn lines<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Result<Vec<Line<'a>>, Error> {
    let line = |prediction: &'a Prediction| {
        let what = || format!("the probabilities of prediction `{}`", prediction.id);
        Ok(Line { prediction, probabilities: write::json(what, &prediction.probabilities)? })
    };
    let mut lines: Vec<_> = predictions.map(line).collect::<Result<_, Error>>()?;
    lines.sort_by_key(|line| line.prediction.id);
    Ok(lines)
}

/// Writes those that are not there yet.
pub(super) async fn write_all(transaction: &mut Session, lines: &[Line<'_>]) -> Result<(), Error> {
    for group in groups(lines, |line| line.probabilities.len() + line.prediction.source.len()) {
        let log = insert(include_str!("predictions/log.sql"), group.len());
        transaction.execute(group.iter().fold(log, bind)).await?;
    }
    Ok(())
}

fn bind<'q>(statement: Statement<'q>, Line { prediction, probabilities }: &'q Line<'_>) -> Statement<'q> {
    statement
        .bind(prediction.id.0.as_bytes().as_slice())
        .bind(prediction.model.as_str())
        .bind(prediction.version.as_str())
        .bind(prediction.image.as_bytes().as_slice())
        .bind(prediction.class.as_str())
        .bind(probabilities)
        .bind(prediction.latency_us.cast_signed())
        .bind(&prediction.source)
        .bind(prediction.at.as_millisecond())
}
