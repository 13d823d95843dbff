//! Model versions and their evaluations.

use async_trait::async_trait;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Manifest, ModelName, ModelVersion};

use super::MySqlCatalog;
use super::server::Statement;
use crate::row::Row;
use crate::write::{self, rows};
use crate::{Error, Models, read};

#[async_trait]
impl Models for MySqlCatalog {
    async fn record_model(&self, manifest: &Manifest) -> Result<(), Error> {
        let json = manifest_json(manifest)?;
        self.server.execute(|| bind_manifest(manifest, &json)).await?;
        Ok(())
    }

    async fn model(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Manifest>, Error> {
        let get = sqlx::query(include_str!("models/get.sql")).bind(name.as_str()).bind(version.as_str());
        self.server.row(get).await?.as_ref().map(read::manifest).transpose()
    }

    async fn models(&self, name: &ModelName, limit: usize) -> Result<Vec<Manifest>, Error> {
        let last = sqlx::query(include_str!("models/last.sql")).bind(name.as_str()).bind(rows(limit));
        self.server.rows(last).await?.iter().map(read::manifest).collect()
    }

    async fn find_models(&self, name: &ModelName, prefix: &str) -> Result<Vec<ModelVersion>, Error> {
        // The last of all characters comes after whatever may follow the prefix.
        let end = format!("{prefix}\u{10FFFF}");
        let find = sqlx::query(include_str!("models/find.sql")).bind(name.as_str()).bind(prefix).bind(&end);
        self.server.rows(find).await?.iter().map(|row| Row::of("models", row).parse("version")).collect()
    }

    async fn model_names(&self) -> Result<Vec<ModelName>, Error> {
        let found = self.server.rows(sqlx::query(include_str!("models/names.sql"))).await?;
        found.iter().map(|row| Row::of("models", row).parse("name")).collect()
    }

    async fn record_evaluation(&self, evaluation: &Evaluation) -> Result<(), Error> {
        let json = evaluation_json(evaluation)?;
        let record = || bind_evaluation(include_str!("models/record_evaluation.sql"), evaluation, &json);
        self.server.execute(record).await?;
        Ok(())
    }

    async fn evaluation(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Evaluation>, Error> {
        let get = sqlx::query(include_str!("models/evaluation.sql")).bind(name.as_str()).bind(version.as_str());
        self.server.row(get).await?.as_ref().map(read::evaluation).transpose()
    }
}

pub(super) fn manifest_json(manifest: &Manifest) -> Result<String, Error> {
    write::json(|| format!("the manifest of `{}/{}`", manifest.name, manifest.version), manifest)
}

/// The statement that records a version unless it is there.
pub(super) fn bind_manifest<'q>(manifest: &'q Manifest, json: &'q str) -> Statement<'q> {
    sqlx::query(include_str!("models/record.sql"))
        .bind(manifest.name.as_str())
        .bind(manifest.version.as_str())
        .bind(manifest.created_at.as_millisecond())
        .bind(json)
}

pub(super) fn evaluation_json(evaluation: &Evaluation) -> Result<String, Error> {
    write::json(|| format!("the evaluation of `{}/{}`", evaluation.model, evaluation.version), evaluation)
}

/// A statement whose parameters are an evaluation.
pub(super) fn bind_evaluation<'q>(sql: &'static str, evaluation: &'q Evaluation, json: &'q str) -> Statement<'q> {
    sqlx::query(sql)
        .bind(evaluation.model.as_str())
        .bind(evaluation.version.as_str())
        .bind(evaluation.data_set.as_bytes().as_slice())
        .bind(evaluation.at.as_millisecond())
        .bind(json)
}
