//! Moving everything.

use std::collections::HashMap;

use async_trait::async_trait;
use pappus_domain::Digest;
use uuid::Uuid;

use super::many::{among, groups, insert};
use super::models::{bind_evaluation, bind_manifest, evaluation_json, manifest_json};
use super::runs::{RunTexts, bind_data_set};
use super::server::{Session, Statement, persistently};
use super::{MySqlCatalog, decisions, feedback, images, predictions, releases, sources};
use crate::write::{self, rows};
use crate::{Error, Kind, Page, Record, Transfer, read};

#[async_trait]
impl Transfer for MySqlCatalog {
    async fn export(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Page, Error> {
        let limit = limit.max(1);
        let statement = from(kind, after.unwrap_or_default())?.bind(rows(limit.saturating_add(1)));
        let found = self.server.rows(statement).await?;
        let mut records: Vec<Record> = found.iter().map(|row| read::record(kind, row)).collect::<Result<_, _>>()?;
        if records.first().is_some_and(|record| Some(record.key().as_str()) == after) {
            records.remove(0);
        }
        records.truncate(limit);
        let next = records.last().filter(|_| records.len() == limit).map(Record::key);
        Ok(Page { records, next })
    }

    async fn import(&self, records: &[Record]) -> Result<u64, Error> {
        persistently(|| self.write(records)).await
    }
}

impl MySqlCatalog {
    async fn write(&self, records: &[Record]) -> Result<u64, Error> {
        let mut transaction = self.server.begin().await?;
        let mut new = 0;
        for kind in Kind::ALL {
            let records: Vec<&Record> = records.iter().filter(|record| record.kind() == kind).collect();
            let missing = missing(known(&mut transaction, kind, &records).await?, &records)?;
            insert_all(&mut transaction, kind, &missing).await?;
            new += missing.len() as u64;
        }
        transaction.commit().await?;
        Ok(new)
    }
}

/// The statement for records in order of their keys, from `key` on: of sources, from its digest on. Lacks the limit.
fn from(kind: Kind, key: &str) -> Result<Statement<'_>, Error> {
    let bad = || Error::BadToken(key.chars().take(200).collect());
    let bytes = |parsed: Option<Vec<u8>>| if key.is_empty() { Ok(Vec::new()) } else { parsed.ok_or_else(bad) };
    let (name, rest) = key.split_once('/').unwrap_or_default();
    let parted = |is_good: bool| if key.is_empty() || is_good { Ok(()) } else { Err(bad()) };
    Ok(match kind {
        Kind::Images => sqlx::query(include_str!("transfer/images.sql")).bind(bytes(digest(key))?),
        Kind::Sources => {
            let id = sources::key(key).as_bytes().to_vec();
            sqlx::query(include_str!("transfer/sources.sql")).bind(bytes(Some(id))?)
        }
        Kind::DataSets => sqlx::query(include_str!("transfer/data_sets.sql")).bind(bytes(digest(key))?),
        Kind::Runs => sqlx::query(include_str!("transfer/runs.sql")).bind(bytes(uuid(key))?),
        Kind::Models => {
            parted(!rest.is_empty())?;
            sqlx::query(include_str!("transfer/models.sql")).bind(name).bind(name).bind(rest)
        }
        Kind::Evaluations => {
            let (version, data_set) = rest.split_once('/').unwrap_or_default();
            let query = sqlx::query(include_str!("transfer/evaluations.sql")).bind(name).bind(name);
            query.bind(version).bind(version).bind(bytes(digest(data_set))?)
        }
        Kind::Releases => sqlx::query(include_str!("transfer/releases.sql")).bind(key),
        Kind::Ledger => {
            let generation = rest.parse::<u64>();
            parted(generation.is_ok())?;
            let query = sqlx::query(include_str!("transfer/ledger.sql")).bind(name).bind(name);
            query.bind(generation.unwrap_or_default().cast_signed())
        }
        Kind::Predictions => sqlx::query(include_str!("transfer/predictions.sql")).bind(bytes(uuid(key))?),
        Kind::Decisions => sqlx::query(include_str!("transfer/decisions.sql")).bind(bytes(uuid(key))?),
        Kind::Feedback => sqlx::query(include_str!("transfer/feedback.sql")).bind(bytes(uuid(key))?),
    })
}

fn digest(text: &str) -> Option<Vec<u8>> {
    Some(text.parse::<Digest>().ok()?.as_bytes().to_vec())
}

fn uuid(text: &str) -> Option<Vec<u8>> {
    Some(text.parse::<Uuid>().ok()?.as_bytes().to_vec())
}

/// Those of the records, all of one kind, that are there.
async fn known(transaction: &mut Session, kind: Kind, records: &[&Record]) -> Result<Vec<Record>, Error> {
    let sql = match kind {
        Kind::Images => include_str!("transfer/known_images.sql"),
        Kind::Sources => include_str!("sources/known.sql"),
        Kind::Predictions => include_str!("transfer/known_predictions.sql"),
        _ => return known_one_by_one(transaction, kind, records).await,
    };
    let mut known = Vec::new();
    for group in groups(records, |_| 0) {
        let query = group.iter().fold(among(sql, group.len()), |query, record| query.bind(id(record)));
        for row in &transaction.rows(query).await? {
            known.push(read::record(kind, row)?);
        }
    }
    Ok(known)
}

/// The key of a record whose table has one column for it.
fn id(record: &Record) -> Vec<u8> {
    match record {
        Record::Image { image, .. } => image.id.as_bytes().to_vec(),
        Record::Source(source) => sources::key(&source.url).as_bytes().to_vec(),
        Record::Prediction(prediction) => prediction.id.0.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// As [`known`], of a kind of which there are few.
async fn known_one_by_one(transaction: &mut Session, kind: Kind, records: &[&Record]) -> Result<Vec<Record>, Error> {
    let mut known = Vec::new();
    for record in records {
        let key = record.key();
        let row = transaction.row(from(kind, &key)?.bind(1)).await?;
        let there = row.map(|row| read::record(kind, &row)).transpose()?;
        known.extend(there.filter(|there| there.key() == key));
    }
    Ok(known)
}

/// Those of the records that are not among the known ones, each once.
fn missing<'r>(known: Vec<Record>, records: &[&'r Record]) -> Result<Vec<&'r Record>, Error> {
    let mut there: HashMap<String, &Record> = known.iter().map(|record| (record.key(), record)).collect();
    let mut missing = Vec::new();
    for &record in records {
        match there.insert(record.key(), record) {
            None => missing.push(record),
            Some(known) if known == record => {}
            Some(_) => return Err(Error::Differs { what: record.to_string() }),
        }
    }
    Ok(missing)
}

/// Writes records of one kind that are not there.
async fn insert_all(transaction: &mut Session, kind: Kind, records: &[&Record]) -> Result<(), Error> {
    match kind {
        Kind::Images => insert_images(transaction, records).await,
        Kind::Sources => {
            let sources = records.iter().filter_map(|record| match record {
                Record::Source(source) => Some(source),
                _ => None,
            });
            let sources: Vec<_> = sources.collect();
            sources::write_all(transaction, include_str!("sources/insert.sql"), &sources).await
        }
        Kind::Predictions => {
            let predictions = records.iter().filter_map(|record| match record {
                Record::Prediction(prediction) => Some(prediction),
                _ => None,
            });
            predictions::write_all(transaction, &predictions::lines(predictions)?).await
        }
        _ => {
            for record in records {
                insert_one(transaction, record).await?;
            }
            Ok(())
        }
    }
}

async fn insert_images(transaction: &mut Session, records: &[&Record]) -> Result<(), Error> {
    let images = records.iter().filter_map(|record| match record {
        Record::Image { image, placement } => Some((image, placement.map(write::placement))),
        _ => None,
    });
    let images: Vec<_> = images.collect();
    for group in groups(&images, |(image, _)| images::length(image)) {
        let query = insert(include_str!("transfer/insert_images.sql"), group.len());
        let query = group.iter().fold(query, |query, (image, placement)| images::bind(query, image).bind(placement));
        transaction.execute(query).await?;
    }
    Ok(())
}

async fn insert_one(transaction: &mut Session, record: &Record) -> Result<(), Error> {
    let json = match record {
        Record::Model(manifest) => manifest_json(manifest)?,
        Record::Evaluation(evaluation) => evaluation_json(evaluation)?,
        Record::Decision(decision) => decisions::json(decision)?,
        _ => String::new(),
    };
    let statement = match record {
        Record::Run(run) => {
            transaction.execute(RunTexts::of(run)?.create(run)).await?;
            return Ok(());
        }
        Record::DataSet(data_set) => bind_data_set(include_str!("transfer/insert_data_set.sql"), data_set),
        Record::Model(manifest) => bind_manifest(manifest, &json),
        Record::Evaluation(evaluation) => {
            bind_evaluation(include_str!("transfer/insert_evaluation.sql"), evaluation, &json)
        }
        Record::Release(release) => releases::insert(release),
        Record::Ledger(entry) => releases::append(entry),
        Record::Decision(decision) => decisions::bind(decision, &json),
        Record::Feedback(told) => feedback::bind(include_str!("transfer/insert_feedback.sql"), told),
        Record::Image { .. } | Record::Source(_) | Record::Prediction(_) => return Ok(()),
    };
    transaction.execute(statement).await?;
    Ok(())
}
