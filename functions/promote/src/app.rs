//! The promote function, as its host sees it.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::event::{ModelEvaluated, ScheduleCame};
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Digest, Event, EventKind as _, ModelVersion, RunId, Timestamp};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};

use crate::api;
use crate::error::Error;
use crate::release::{By, Promote};

/// How many of the newest versions a schedule looks at.
const NEWEST: usize = 20;
/// In how many of the last decisions it looks for what was trained by one: of some days, with one each hour.
const DECISIONS: usize = 200;

struct OnEvaluated {
    promote: Promote,
    context: Context,
}

/// The promote function: releases each version that passed its evaluation, when it is told of that; and when a schedule comes,
/// the newest that it should have been told of, for an event can be lost.
pub fn app(context: Context) -> App {
    context.tracking.attend();
    let promote = Promote::new(context.clone());
    let router = api::router(promote.clone(), context.clone());
    App { name: "promote", router, on_event: Arc::new(OnEvaluated { promote, context }) }
}

#[async_trait]
impl OnEvent for OnEvaluated {
    fn kinds(&self) -> Vec<&'static str> {
        vec![ModelEvaluated::KIND, ScheduleCame::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        if event.read::<ScheduleCame>()?.is_some() {
            return self.catch_up().await;
        }
        let evaluated = event.read::<ModelEvaluated>()?;
        let Some(ModelEvaluated { model, version, passed, data_set }) = evaluated else { return Ok(Outcome::NOTHING) };
        if model != self.context.settings.model {
            return Ok(Outcome::NOTHING);
        }
        if !passed {
            tracing::warn!(%version, "not released: it did not pass its evaluation");
            return Ok(Outcome::NOTHING);
        }
        self.release(version, &data_set).await
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}

impl OnEvaluated {
    /// Releases the newest version that passed its evaluation since the release changed last, is newer than the champion, and
    /// was never champion: what somebody has rolled back stays so. What somebody has trained by hand is theirs to release.
    async fn catch_up(&self) -> Result<Outcome, Failure> {
        let Context { catalog, settings, .. } = &self.context;
        let model = &settings.model;
        let champion = catalog.release(model).await?.map(|release| release.champion);
        let ledger = catalog.ledger(model).await?;
        let changed = ledger.last().map(|entry| entry.at);
        let decided: HashSet<RunId> =
            catalog.decisions(model, DECISIONS).await?.into_iter().filter_map(|decision| decision.run).collect();
        for manifest in catalog.models(model, NEWEST).await? {
            let version = &manifest.version;
            if champion.as_ref() == Some(version) {
                break;
            }
            if !decided.contains(&manifest.training.run) || ledger.iter().any(|entry| entry.to == *version) {
                continue;
            }
            let holds = |it: &Evaluation| {
                it.verdict.passed && it.champion == champion && changed.is_none_or(|changed| it.at >= changed)
            };
            if let Some(passed) = catalog.evaluation(model, version).await?.filter(holds) {
                return self.release(manifest.version, &passed.data_set).await;
            }
        }
        Ok(Outcome::NOTHING)
    }

    async fn release(&self, version: ModelVersion, data_set: &Digest) -> Result<Outcome, Failure> {
        let reason = format!("passed its evaluation on data set {}", data_set.short(12));
        let by = By { actor: "promote".into(), reason };
        let changed = match self.promote.promote_new(&version, by).await {
            // An old verdict, delivered late or again: what was decided since is not to be undone by it.
            Err(error @ (Error::Outdated { .. } | Error::Replaced(_))) => {
                tracing::warn!(%version, error = &error as &dyn std::error::Error, "not released");
                return Ok(Outcome::NOTHING);
            }
            other => other?,
        };
        tracing::info!(%version, generation = changed.release.generation, "released");
        Ok(Outcome::event(Event::new("promote", &changed.event(), Timestamp::now()).map_err(Error::from)?))
    }
}
