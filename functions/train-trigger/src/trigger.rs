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
            && let Some(run) = self.under_way().await?
        {
            let reason = format!("{}, but run {run} is under way", decision.reason);
            return Ok(Decision { train: false, reason });
        }
        Ok(decision)
    }

    /// The training that is under way, or has been asked for so lately that it may not have taken its lease yet.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn under_way(&self) -> Result<Option<String>, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let now = Timestamp::now();
        let lease = catalog.lease(&Lease::for_training(&settings.model)).await?;
        if let Some(lease) = lease.filter(|lease| !lease.is_expired(now)) {
            return Ok(Some(lease.holder));
        }
        Ok(self.asked_for().await?.map(|request| request.run.to_string()))
    }

    /// The training that has been asked for so lately that it may not have taken its lease yet.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn asked_for(&self) -> Result<Option<TrainingRequest>, Error> {
        let now = Timestamp::now();
        let runs = self.context.catalog.runs(&self.context.settings.model, RECENT).await?;
        let is_new =
            |run: &Run| run.status == RunStatus::Requested && now.duration_since(run.requested_at) < Lease::LIFE;
        Ok(runs.into_iter().find(is_new).map(|run| run.request))
    }

    /// How many labelled images there are.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn labelled(&self) -> Result<u64, Error> {
        Ok(self.context.catalog.image_counts().await?.labelled())
    }

    async fn facts(&self) -> Result<Facts, Error> {
        let catalog = &self.context.catalog;
        let labelled_images = self.labelled().await?;
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
