//! Model versions and their evaluations.

use async_trait::async_trait;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Manifest, ModelName, ModelVersion};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::SqliteCatalog;
use crate::row::Row;
use crate::write::{self, rows};
use crate::{Error, Models, read};

#[async_trait]
impl Models for SqliteCatalog {
    async fn record_model(&self, manifest: &Manifest) -> Result<(), Error> {
        record(&mut *self.writer.acquire().await?, manifest).await?;
        Ok(())
    }

    async fn model(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Manifest>, Error> {
        let query = sqlx::query(include_str!("models/get.sql")).bind(name.as_str()).bind(version.as_str());
        let found = query.fetch_optional(&self.readers).await?;
        found.as_ref().map(read::manifest).transpose()
    }

    async fn models(&self, name: &ModelName, limit: usize) -> Result<Vec<Manifest>, Error> {
        let query = sqlx::query(include_str!("models/last.sql")).bind(name.as_str()).bind(rows(limit));
        let found = query.fetch_all(&self.readers).await?;
        found.iter().map(read::manifest).collect()
    }

    async fn find_models(&self, name: &ModelName, prefix: &str) -> Result<Vec<ModelVersion>, Error> {
        let query = sqlx::query(include_str!("models/find.sql")).bind(name.as_str()).bind(prefix);
        let found = query.fetch_all(&self.readers).await?;
        found.iter().map(|row| Row::of("models", row).parse("version")).collect()
    }

    async fn model_names(&self) -> Result<Vec<ModelName>, Error> {
        let found = sqlx::query(include_str!("models/names.sql")).fetch_all(&self.readers).await?;
        found.iter().map(|row| Row::of("models", row).parse("name")).collect()
    }

    async fn record_evaluation(&self, evaluation: &Evaluation) -> Result<(), Error> {
        bind_evaluation(include_str!("models/record_evaluation.sql"), evaluation)?.execute(&self.writer).await?;
        Ok(())
    }

    async fn evaluation(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Evaluation>, Error> {
        let query = sqlx::query(include_str!("models/evaluation.sql")).bind(name.as_str()).bind(version.as_str());
        let found = query.fetch_optional(&self.readers).await?;
        found.as_ref().map(read::evaluation).transpose()
    }
}

/// Records a version unless it is there; says whether it was new.
pub(super) async fn record(connection: &mut SqliteConnection, manifest: &Manifest) -> Result<bool, Error> {
    let Manifest { name, version, created_at, .. } = manifest;
    let recorded = sqlx::query(include_str!("models/record.sql"))
        .bind(name.as_str())
        .bind(version.as_str())
        .bind(created_at.as_millisecond())
        .bind(write::json(|| format!("the manifest of `{name}/{version}`"), manifest)?)
        .execute(connection)
        .await?;
    Ok(recorded.rows_affected() == 1)
}

/// A statement whose parameters are an evaluation.
pub(super) fn bind_evaluation<'q>(
    sql: &'static str,
    evaluation: &'q Evaluation,
) -> Result<Query<'q, Sqlite, SqliteArguments>, Error> {
    let Evaluation { model, version, data_set, at, .. } = evaluation;
    let query = sqlx::query(sql)
        .bind(model.as_str())
        .bind(version.as_str())
        .bind(data_set.as_bytes().as_slice())
        .bind(at.as_millisecond());
    Ok(query.bind(write::json(|| format!("the evaluation of `{model}/{version}`"), evaluation)?))
}
