//! Aliases: who answers, and who would like to.

use pappus_domain::release::LedgerEntry;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{ModelName, ModelVersion, Release};

use super::Teller;
use crate::error::Error;
use crate::mlflow::RegisteredModel;
use crate::told;

const CHAMPION: &str = "champion";
const CHALLENGER: &str = "challenger";
/// Versions among which a challenger is looked for, newest first.
const RECENT: usize = 20;

impl Teller {
    /// Lets `champion` and `challenger` name the versions that they name now. Whatever the news was of: what is read
    /// last is set last, so that no alias goes back to what an older change made of it.
    pub(super) async fn aliases(&self, model: &ModelName) -> Result<(), Error> {
        let mut release = self.catalog.release(model).await?;
        loop {
            let challenger = self.challenger(model, release.as_ref()).await?;
            let champion = release.as_ref().map(|release| release.champion.clone());
            // Before the registered model is looked at, for it may be the first version.
            let champion = self.number(model, champion.as_ref()).await?;
            let challenger = self.number(model, challenger.as_ref()).await?;
            let Some(registered) = self.mlflow.registered_model(model.as_str()).await? else { return Ok(()) };
            self.alias(model, &registered, CHAMPION, champion).await?;
            self.alias(model, &registered, CHALLENGER, challenger).await?;
            if let Some(release) = &release {
                self.tag(model, &registered, release).await?;
            }
            let now = self.catalog.release(model).await?;
            if now == release {
                return Ok(());
            }
            release = now;
        }
    }

    /// MLflow's number of a version, which is registered where it is not yet.
    async fn number(&self, model: &ModelName, version: Option<&ModelVersion>) -> Result<Option<String>, Error> {
        let Some(version) = version else { return Ok(None) };
        let known = self.mlflow.find_version(model.as_str(), (told::VERSION, version.as_str())).await?;
        let registered = match known {
            Some(known) => known,
            None => self.version(model, version).await?,
        };
        Ok(Some(registered.number))
    }

    async fn alias(
        &self,
        model: &ModelName,
        registered: &RegisteredModel,
        alias: &str,
        wanted: Option<String>,
    ) -> Result<(), Error> {
        match (registered.aliases.get(alias), wanted) {
            (None, None) => Ok(()),
            (Some(named), Some(wanted)) if *named == wanted => Ok(()),
            (Some(_), None) => self.mlflow.drop_alias(model.as_str(), alias).await,
            (_, Some(number)) => {
                self.mlflow.set_alias(model.as_str(), alias, &crate::mlflow::Registered { number }).await
            }
        }
    }

    /// Says who changed the release last, when and why.
    async fn tag(&self, model: &ModelName, registered: &RegisteredModel, release: &Release) -> Result<(), Error> {
        let generation = release.generation.to_string();
        if registered.tags.get(told::GENERATION) == Some(&generation) {
            return Ok(());
        }
        let ledger = self.catalog.ledger(model).await?;
        if let Some(entry) = ledger.iter().find(|entry| entry.generation == release.generation) {
            let LedgerEntry { action, to, actor, at, reason, .. } = entry;
            let line = format!("{} to {to} by {actor} at {at:.0}: {reason}", action.as_str());
            self.mlflow.tag_model(model.as_str(), (told::RELEASE, &line)).await?;
        }
        self.mlflow.tag_model(model.as_str(), (told::GENERATION, &generation)).await
    }

    /// The newest version that passed its evaluation against the present champion and never was champion: it may take
    /// the champion's place. A version that was rolled back challenges nobody.
    async fn challenger(&self, model: &ModelName, release: Option<&Release>) -> Result<Option<ModelVersion>, Error> {
        let ledger = self.catalog.ledger(model).await?;
        let champion = release.map(|release| &release.champion);
        for manifest in self.catalog.models(model, RECENT).await? {
            let version = manifest.version;
            if ledger.iter().any(|entry| entry.to == version) {
                continue;
            }
            let evaluation = self.catalog.evaluation(model, &version).await?;
            let challenges = |found: &Evaluation| found.verdict.passed && found.champion.as_ref() == champion;
            if evaluation.as_ref().is_some_and(challenges) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}
