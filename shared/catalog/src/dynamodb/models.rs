//! Model versions and their evaluations.

use async_trait::async_trait;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Manifest, ModelName, ModelVersion};

use super::DynamoDbCatalog;
use super::item::{FIRST_ORDER, Item, ROW, Row};
use super::key::{self, Key};
use super::query::{Order, Query, end_of};
use super::table::If;
use crate::{Error, Models};

/// The most characters of a version.
const LONGEST: usize = 64;

#[async_trait]
impl Models for DynamoDbCatalog {
    async fn record_model(&self, manifest: &Manifest) -> Result<(), Error> {
        self.table.put(write(manifest)?, If::Absent).await?;
        Ok(())
    }

    async fn model(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Manifest>, Error> {
        self.table.get(Key::model(name, version)).await?.map(|row| Row::of("models", row).json("manifest")).transpose()
    }

    async fn models(&self, name: &ModelName, limit: usize) -> Result<Vec<Manifest>, Error> {
        let query = Query::all(key::MODELS, Order::First, &format!("{name}/")).newest_first().in_pages_of(limit);
        let rows = self.table.rows(query).take(limit);
        rows.and_then(async |row| Row::of("models", row).json("manifest")).try_collect().await
    }

    async fn find_models(&self, name: &ModelName, prefix: &str) -> Result<Vec<ModelVersion>, Error> {
        if prefix.len() > LONGEST {
            return Ok(Vec::new());
        }
        let from = format!("{name}/{prefix}");
        // The last of all characters comes after whatever may follow the prefix.
        let to = format!("{from}\u{10FFFF}");
        let query = Query { to, ..Query::after(key::MODELS, Order::Place, &format!("{name}/"), from) };
        let rows = self.table.rows(query.in_pages_of(2)).take(2);
        rows.and_then(async |row| Row::of("models", row).parse("version")).try_collect().await
    }

    async fn model_names(&self) -> Result<Vec<ModelName>, Error> {
        let (mut names, mut left) = (Vec::new(), Query::whole(key::MODELS).in_pages_of(1));
        // From the first version of one model to that of the next.
        while let Some(row) = self.table.rows(left.clone()).try_next().await? {
            let name: ModelName = Row::of("models", row).parse("name")?;
            left.from = end_of(&format!("{name}/"));
            names.push(name);
        }
        // `a-b/` comes before `a/`.
        names.sort();
        Ok(names)
    }

    async fn record_evaluation(&self, evaluation: &Evaluation) -> Result<(), Error> {
        self.table.put(write_evaluation(evaluation)?, If::Whatever).await?;
        Ok(())
    }

    async fn evaluation(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Evaluation>, Error> {
        let query = Query::all(key::EVALUATIONS, Order::First, &format!("{name}/{version}/")).newest_first();
        let latest = self.table.rows(query.in_pages_of(1)).try_next().await?;
        latest.map(|row| Row::of("evaluations", row).json("evaluation")).transpose()
    }
}

pub(super) fn write(manifest: &Manifest) -> Result<Item, Error> {
    let Manifest { name, version, created_at, .. } = manifest;
    let what = || format!("the manifest of `{name}/{version}`");
    let item = Item::at(Key::model(name, version))
        .text(FIRST_ORDER, key::model_by_age(name, *created_at, version))
        .text("name", name.as_str())
        .text("version", version.as_str())
        .json("manifest", manifest, what)?;
    item.within(ROW, what)
}

pub(super) fn write_evaluation(evaluation: &Evaluation) -> Result<Item, Error> {
    let Evaluation { model, version, data_set, at, .. } = evaluation;
    let what = || format!("the evaluation of `{model}/{version}`");
    let item = Item::at(Key::evaluation(model, version, data_set))
        .text(FIRST_ORDER, key::evaluation_by_age(model, version, *at, data_set))
        .json("evaluation", evaluation, what)?;
    item.within(ROW, what)
}
