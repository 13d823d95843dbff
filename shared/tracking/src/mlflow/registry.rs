//! Registered models: versions and aliases.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::{Mlflow, Nothing, found, made};
use crate::error::Error;

/// A version that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    /// MLflow's number of it.
    pub(crate) number: String,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegisteredModel {
    /// The number of the version behind each alias.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

impl Mlflow {
    /// The version of a model with this tag.
    pub(crate) async fn find_version(
        &self,
        model: &str,
        (key, value): (&str, &str),
    ) -> Result<Option<Registered>, Error> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            model_versions: Vec<Version>,
        }
        let filter = format!("name = '{model}' and tags.`{key}` = '{value}'");
        let Found { model_versions } = self.get("model-versions/search", &[("filter", &filter)]).await?;
        // The first that was registered, should there be several.
        let first = model_versions.into_iter().min_by_key(|found| found.version.parse::<u64>().unwrap_or(u64::MAX));
        Ok(first.map(|found| Registered { number: found.version }))
    }

    /// Sees to it that there is a registered model with this tag. One without it is somebody else's, whose aliases are not
    /// for us to move.
    async fn claim(&self, model: &str, (key, value): (&str, &str)) -> Result<(), Error> {
        let body = json!({ "name": model, "tags": [{ "key": key, "value": value }] });
        if made(self.post::<serde_json::Value>("registered-models/create", &body).await)?.is_some() {
            return Ok(());
        }
        let is_ours = |there: &RegisteredModel| there.tags.get(key).is_some_and(|found| found == value);
        if self.registered_model(model).await?.as_ref().is_some_and(is_ours) {
            return Ok(());
        }
        Err(Error::Untellable(format!(
            "MLflow has a registered model `{model}` that is not ours: rename it there, set PAPPUS_MODEL to another \
             name, or give it to us with the tag `{key}` = `{value}`"
        )))
    }

    /// Registers a version of a model, from a folder of a run's artifacts. `ours` is the tag of models that are ours.
    pub(crate) async fn register(
        &self,
        model: &str,
        ours: (&str, &str),
        source: &str,
        run: &str,
        (key, value): (&str, &str),
    ) -> Result<Registered, Error> {
        #[derive(Deserialize)]
        struct Made {
            model_version: Version,
        }
        self.claim(model, ours).await?;
        let body = json!({
            "name": model, "source": source, "run_id": run, "tags": [{ "key": key, "value": value }],
        });
        let Made { model_version } = self.post("model-versions/create", &body).await?;
        Ok(Registered { number: model_version.version })
    }

    /// Sets a tag of a version.
    pub(crate) async fn tag_version(
        &self,
        model: &str,
        version: &Registered,
        (key, value): (&str, &str),
    ) -> Result<(), Error> {
        let body = json!({ "name": model, "version": version.number, "key": key, "value": value });
        self.post::<Nothing>("model-versions/set-tag", &body).await.map(drop)
    }

    /// A registered model; nothing where it has no version yet.
    pub(crate) async fn registered_model(&self, model: &str) -> Result<Option<RegisteredModel>, Error> {
        #[derive(Deserialize)]
        struct Found {
            registered_model: Model,
        }
        #[derive(Deserialize)]
        struct Model {
            #[serde(default)]
            aliases: Vec<Alias>,
            #[serde(default)]
            tags: Vec<Tag>,
        }
        #[derive(Deserialize)]
        struct Alias {
            alias: String,
            version: String,
        }
        #[derive(Deserialize)]
        struct Tag {
            key: String,
            #[serde(default)]
            value: String,
        }
        let answer = self.get::<Found>("registered-models/get", &[("name", model)]).await;
        Ok(found(answer)?.map(|Found { registered_model: Model { aliases, tags } }| RegisteredModel {
            aliases: aliases.into_iter().map(|alias| (alias.alias, alias.version)).collect(),
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        }))
    }

    /// Sets a tag of a registered model.
    pub(crate) async fn tag_model(&self, model: &str, (key, value): (&str, &str)) -> Result<(), Error> {
        let body = json!({ "name": model, "key": key, "value": value });
        self.post::<Nothing>("registered-models/set-tag", &body).await.map(drop)
    }

    /// Lets an alias name a version.
    pub(crate) async fn set_alias(&self, model: &str, alias: &str, version: &Registered) -> Result<(), Error> {
        let body = json!({ "name": model, "alias": alias, "version": version.number });
        self.post::<Nothing>("registered-models/alias", &body).await.map(drop)
    }

    /// Lets an alias name nothing.
    pub(crate) async fn drop_alias(&self, model: &str, alias: &str) -> Result<(), Error> {
        let body = json!({ "name": model, "alias": alias });
        found(self.send::<Nothing>(Method::DELETE, "registered-models/alias", &body).await).map(drop)
    }
}
