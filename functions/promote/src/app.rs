//! The promote function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::event::ModelEvaluated;
use pappus_domain::{Event, EventKind as _, Timestamp};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};

use crate::api;
use crate::error::Error;
use crate::release::{By, Promote};

struct OnEvaluated {
    promote: Promote,
    context: Context,
}

/// The promote function: releases each version that passed its evaluation.
pub fn app(context: Context) -> App {
    context.tracking.attend();
    let promote = Promote::new(context.clone());
    let router = api::router(promote.clone(), context.clone());
    App { name: "promote", router, on_event: Arc::new(OnEvaluated { promote, context }) }
}

#[async_trait]
impl OnEvent for OnEvaluated {
    fn kinds(&self) -> Vec<&'static str> {
        vec![ModelEvaluated::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        let evaluated = event.read::<ModelEvaluated>()?;
        let Some(ModelEvaluated { model, version, passed, data_set }) = evaluated else { return Ok(Outcome::NOTHING) };
        if model != self.context.settings.model {
            return Ok(Outcome::NOTHING);
        }
        if !passed {
            tracing::warn!(%version, "not released: it did not pass its evaluation");
            return Ok(Outcome::NOTHING);
        }
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

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}
