//! Moving everything.

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;

use super::{SqliteCatalog, decisions, feedback, images, models, predictions, releases, runs, sources};
use crate::write::{self, rows};
use crate::{Error, Kind, Page, Record, Transfer, read};

#[async_trait]
impl Transfer for SqliteCatalog {
    async fn export(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Page, Error> {
        let limit = limit.max(1);
        let mut connection = self.readers.acquire().await?;
        let mut records = from(&mut connection, kind, after.unwrap_or_default(), limit + 1).await?;
        if after.is_some() && records.first().is_some_and(|record| Some(record.key().as_str()) == after) {
            records.remove(0);
        }
        records.truncate(limit);
        let next = records.last().filter(|_| records.len() == limit).map(Record::key);
        Ok(Page { records, next })
    }

    async fn import(&self, records: &[Record]) -> Result<u64, Error> {
        let mut transaction = self.begin().await?;
        let mut new = 0;
        for record in records {
            if insert(&mut transaction, record).await? {
                new += 1;
                continue;
            }
            let there = from(&mut transaction, record.kind(), &record.key(), 1).await?;
            if there.first() != Some(record) {
                return Err(Error::Differs { what: record.to_string() });
            }
        }
        transaction.commit().await?;
        Ok(new)
    }
}

/// Records in order of their keys, from `key` on, at most `limit`.
async fn from(connection: &mut SqliteConnection, kind: Kind, key: &str, limit: usize) -> Result<Vec<Record>, Error> {
    let (sql, parts) = match kind {
        Kind::Images => (include_str!("transfer/images.sql"), 1),
        Kind::Sources => (include_str!("transfer/sources.sql"), 1),
        Kind::DataSets => (include_str!("transfer/data_sets.sql"), 1),
        Kind::Runs => (include_str!("transfer/runs.sql"), 1),
        Kind::Models => (include_str!("transfer/models.sql"), 2),
        Kind::Evaluations => (include_str!("transfer/evaluations.sql"), 3),
        Kind::Releases => (include_str!("transfer/releases.sql"), 1),
        Kind::Ledger => (include_str!("transfer/ledger.sql"), 2),
        Kind::Predictions => (include_str!("transfer/predictions.sql"), 1),
        Kind::Decisions => (include_str!("transfer/decisions.sql"), 1),
        Kind::Feedback => (include_str!("transfer/feedback.sql"), 1),
    };
    let mut parts = key.splitn(parts, '/');
    let mut part = || parts.next().unwrap_or_default();
    let query = sqlx::query(sql).bind(part()).bind(part()).bind(part()).bind(rows(limit));
    query.fetch_all(connection).await?.iter().map(|row| read::record(kind, row)).collect()
}

/// Writes a record unless one of its key is there; says whether it was new.
async fn insert(connection: &mut SqliteConnection, record: &Record) -> Result<bool, Error> {
    let query = match record {
        Record::Run(run) => return runs::create(connection, run).await,
        Record::Model(manifest) => return models::record(connection, manifest).await,
        Record::Prediction(prediction) => return predictions::log(connection, prediction).await,
        Record::Decision(decision) => return decisions::record(connection, decision).await,
        Record::Image { image, placement } => {
            images::bind_whole(include_str!("transfer/insert_image.sql"), image).bind(placement.map(write::placement))
        }
        Record::Source(source) => {
            sources::bind_status(include_str!("transfer/insert_source.sql"), &source.url, &source.status)
                .bind(source.label.as_str())
        }
        Record::DataSet(data_set) => runs::bind_data_set(include_str!("transfer/insert_data_set.sql"), data_set),
        Record::Evaluation(evaluation) => {
            models::bind_evaluation(include_str!("transfer/insert_evaluation.sql"), evaluation)?
        }
        Record::Release(release) => releases::bind(include_str!("transfer/insert_release.sql"), release),
        Record::Ledger(entry) => releases::bind_entry(include_str!("transfer/insert_entry.sql"), entry),
        Record::Feedback(told) => feedback::bind(include_str!("transfer/insert_feedback.sql"), told),
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}
