//! The decision, and the run that it makes.

use std::path::PathBuf;

use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::trigger::{Decision, Facts, Policy};
use pappus_domain::{Lease, Run, RunId, RunStatus, Timestamp};
use pappus_host::Context;
use uuid::Uuid;

use crate::error::Error;

/// How a training is wished for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// How to learn.
    pub recipe: Recipe,
    /// The pretrained network.
    pub backbone: Option<PathBuf>,
    /// How that network wants its pixels.
    pub normalisation: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The seconds that `auto` may spend.
    pub budget_seconds: Option<u64>,
    /// Who or what asked.
    pub reason: String,
}

/// Runs that are looked at for the last one that counts.
const RECENT: usize = 50;

/// The train-trigger stage.
#[derive(Clone)]
pub struct Trigger {
    context: Context,
    policy: Policy,
}

impl Trigger {
    /// A trigger with the default policy.
    pub fn new(context: Context) -> Self {
        Self { context, policy: Policy::default() }
    }

    /// Writes down a run as requested.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn request(&self, wish: Wish) -> Result<TrainingRequest, Error> {
        let now = Timestamp::now();
        let Wish { recipe, backbone, normalisation, seed, budget_seconds, reason } = wish;
        let model = self.context.settings.model.clone();
        let run = RunId(Uuid::now_v7());
        let request = TrainingRequest { run, model, recipe, backbone, normalisation, seed, budget_seconds, reason };
        let status = RunStatus::Requested;
        let run = Run { request: request.clone(), data_set: None, status, requested_at: now, updated_at: now };
        self.context.catalog.create_run(&run).await?;
        Ok(request)
    }

    /// Whether the policy wants a training now, and none is under way.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn decide(&self) -> Result<Decision, Error> {
        let decision = self.policy.decide(self.facts().await?);
        if decision.train
            && let Some(lease) = self.lease().await?
        {
            let reason = format!("{}, but run {} is under way", decision.reason, lease.holder);
            return Ok(Decision { train: false, reason });
        }
        Ok(decision)
    }

    async fn lease(&self) -> Result<Option<Lease>, Error> {
        let lease = self.context.catalog.lease(&Lease::for_training(&self.context.settings.model)).await?;
        Ok(lease.filter(|lease| !lease.is_expired(Timestamp::now())))
    }

    async fn facts(&self) -> Result<Facts, Error> {
        let catalog = &self.context.catalog;
        let labelled_images = catalog.image_counts().await?.labelled();
        let runs = catalog.runs(&self.context.settings.model, RECENT).await?;
        let done = |run: &&Run| matches!(run.status, RunStatus::Succeeded { .. });
        let last = runs.iter().find(done).and_then(|run| run.data_set);
        let used = match last {
            None => None,
            Some(digest) => catalog.data_set(&digest).await?,
        };
        let used_images = used.map_or(0, |data_set| data_set.labelled);
        let new_images = labelled_images.saturating_sub(used_images);
        Ok(Facts { new_images, labelled_images, has_model: last.is_some() })
    }
}
