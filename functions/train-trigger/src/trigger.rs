//! The decision, and the run that it makes.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use pappus_catalog::{Cursor, TimeRange};
use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::stats::Proportion;
use pappus_domain::trigger::{self, Cause, DecisionId, DecisionRecord, Facts, Hindrance, MeanConfidence};
use pappus_domain::{Feedback, Lease, ModelVersion, Run, RunId, RunStatus, Timestamp};
use pappus_host::{Context, Settings};
use uuid::Uuid;

use crate::error::Error;
use crate::launcher::{JobState, Launcher};

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
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The last answers that a mean confidence, or an accuracy, is of.
const ANSWERS: usize = trigger::ANSWERS as usize;
/// Answers of any model that are looked through for those, at most, and at once.
const LOOKED_THROUGH: usize = 20_000;
const PAGE: usize = 2000;
/// Decisions that are forgotten at once.
const FORGOTTEN: usize = 1000;

/// A decision, as it is written down.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The decision.
    pub record: DecisionRecord,
    /// The training that it asks for.
    pub request: Option<TrainingRequest>,
}

/// What other processes may have changed without a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Glance {
    labelled_images: u64,
    live_accuracy: Option<Proportion>,
}

impl From<&Facts> for Glance {
    fn from(&Facts { labelled_images, live_accuracy, .. }: &Facts) -> Self {
        Self { labelled_images, live_accuracy }
    }
}

/// The train-trigger stage.
#[derive(Clone)]
pub struct Trigger {
    context: Context,
    /// Who knows of jobs that wait to begin.
    launcher: Option<Arc<dyn Launcher>>,
}

impl Trigger {
    /// A trigger with the policy of the settings.
    pub fn new(context: Context) -> Self {
        Self { context, launcher: None }
    }

    /// The same where trainings are jobs of `launcher`: one that waits for its start is under way too.
    pub fn with_jobs(self, launcher: Arc<dyn Launcher>) -> Self {
        Self { launcher: Some(launcher), ..self }
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

    /// Decides whether the policy wants a training now, and none is under way. If so, the run is asked for; in any case
    /// the decision is written down.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn decide(&self, cause: Cause) -> Result<Decided, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let facts = self.facts(&cause).await?;
        let mut decision = settings.policy.decide(&facts, &cause);
        // Before any other hindrance: whoever asked for the one under way, and did not hear so, is to wait for it.
        if !decision.reasons.is_empty()
            && let Some(holder) = self.under_way().await?
        {
            decision.hindrance = Some(Hindrance::UnderWay { holder });
        }
        let request = match decision.train() {
            true => Some(self.request(Wish { reason: decision.to_string(), ..Wish::default() }).await?),
            false => None,
        };
        let (id, run) = (DecisionId(Uuid::now_v7()), request.as_ref().map(|request| request.run));
        let (model, at) = (settings.model.clone(), facts.at);
        let record = DecisionRecord { id, model, at, cause, facts, decision, run };
        if let Err(error) = catalog.record_decision(&record).await {
            // A run that is asked for is begun, and says itself why: the next decision would find it under way.
            if request.is_none() {
                return Err(error.into());
            }
            tracing::error!(error = &error as &dyn std::error::Error, run = ?record.run, "a decision is not recorded");
        }
        if record.cause == Cause::Schedule {
            self.forget(settings.policy.forgotten(at)).await;
        }
        Ok(Decided { record, request })
    }

    /// Removes the decisions of before `then`, of every model. What is left is for the next schedule.
    async fn forget(&self, then: Timestamp) {
        loop {
            match self.context.catalog.delete_decisions(then, FORGOTTEN).await {
                Ok(removed) if removed >= FORGOTTEN as u64 => {}
                Ok(_) => return,
                Err(error) => {
                    return tracing::warn!(error = &error as &dyn std::error::Error, "old decisions are not removed");
                }
            }
        }
    }

    /// The training that is under way: at work, or asked for.
    ///
    /// # Errors
    /// As [`Trigger::asked_for`].
    pub async fn under_way(&self) -> Result<Option<String>, Error> {
        if let Some(holder) = self.at_work().await? {
            return Ok(Some(holder));
        }
        Ok(self.asked_for().await?.map(|request| request.run.to_string()))
    }

    /// Who holds the training lease.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub async fn at_work(&self) -> Result<Option<String>, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let lease = catalog.lease(&Lease::for_training(&settings.model)).await?;
        Ok(lease.filter(|lease| !lease.is_expired(Timestamp::now())).map(|lease| lease.holder))
    }

    /// The training that has been asked for so lately that it may not have taken its lease yet, or whose job waits for its
    /// start. Where trainings are jobs, one that was asked for is launched or fails, so that it counts until then.
    ///
    /// # Errors
    /// [`Error::Catalog`]; what keeps the launcher from looking at jobs.
    pub async fn asked_for(&self) -> Result<Option<TrainingRequest>, Error> {
        let now = Timestamp::now();
        let mut runs = self.context.catalog.runs(&self.context.settings.model, RECENT).await?;
        runs.retain(|run| !run.status.is_over());
        let life = if self.launcher.is_some() { SignedDuration::MAX } else { Lease::LIFE };
        let is_new = |run: &Run| run.status == RunStatus::Requested && now.duration_since(run.requested_at) < life;
        if let Some(new) = runs.iter().find(|run| is_new(run)) {
            return Ok(Some(new.request.clone()));
        }
        for run in runs {
            if self.has_job(run.request.run).await? {
                return Ok(Some(run.request));
            }
        }
        Ok(None)
    }

    async fn has_job(&self, run: RunId) -> Result<bool, Error> {
        let Some(launcher) = &self.launcher else { return Ok(false) };
        let state = launcher.look(run).await?;
        Ok(matches!(state, JobState::Pending { .. } | JobState::Running | JobState::Untold { .. }))
    }

    /// What other processes may have changed without a word.
    ///
    /// # Errors
    /// [`Error::Catalog`].
    pub(crate) async fn glance(&self) -> Result<Glance, Error> {
        let champion = self.champion().await?;
        let live_accuracy = self.live_accuracy(champion.as_ref(), Timestamp::now()).await?;
        Ok(Glance { labelled_images: self.labelled().await?, live_accuracy })
    }

    async fn labelled(&self) -> Result<u64, Error> {
        Ok(self.context.catalog.image_counts().await?.labelled())
    }

    async fn champion(&self) -> Result<Option<ModelVersion>, Error> {
        let Context { catalog, settings, .. } = &self.context;
        Ok(catalog.release(&settings.model).await?.map(|release| release.champion))
    }

    async fn facts(&self, cause: &Cause) -> Result<Facts, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let at = Timestamp::now();
        let most = settings.policy.daily_maximum.try_into().unwrap_or(RECENT);
        let runs = catalog.runs(&settings.model, RECENT.max(most)).await?;
        let done = |run: &&Run| matches!(run.status, RunStatus::Succeeded { .. });
        let last = runs.iter().find(done).and_then(|run| run.data_set);
        let used = match last {
            None => None,
            Some(digest) => Some(catalog.data_set(&digest).await?.map_or(0, |data_set| data_set.labelled)),
        };
        let champion = self.champion().await?;
        let is_lately = |run: &&Run| at.duration_since(run.requested_at) < DAY;
        // Images and words on them come one by one; how sure the answers are changes little between two of them.
        let confidence = match &champion {
            Some(champion) if !matches!(cause, Cause::Change | Cause::Feedback) => {
                Some(self.confidence(champion, at).await?)
            }
            _ => None,
        };
        Ok(Facts {
            at,
            labelled_images: self.labelled().await?,
            used_images: used,
            live_accuracy: self.live_accuracy(champion.as_ref(), at).await?,
            confidence,
            drift: None,
            last_request: runs.first().map(|run| run.requested_at),
            requests_last_day: runs.iter().filter(is_lately).count().try_into().unwrap_or(u32::MAX),
            has_champion: champion.is_some(),
        })
    }

    /// How right the champion's last answers within the window are, of those whose truth was told.
    async fn live_accuracy(&self, champion: Option<&ModelVersion>, at: Timestamp) -> Result<Option<Proportion>, Error> {
        let (Context { catalog, settings, .. }, Some(champion)) = (&self.context, champion) else { return Ok(None) };
        let since = settings.policy.window(at);
        let told = catalog.feedback_since(&settings.model, champion, since, ANSWERS).await?;
        Ok(Feedback::accuracy(&told))
    }

    /// How sure the champion's last answers within the window are.
    async fn confidence(&self, champion: &ModelVersion, at: Timestamp) -> Result<MeanConfidence, Error> {
        let Settings { model, policy, .. } = &*self.context.settings;
        let range = TimeRange { from: Some(policy.window(at)), until: None };
        let (mut confidences, mut looked_through, mut before) = (Vec::new(), 0, None);
        // The log is one for all models: a busy neighbour's answers are between this one's.
        while confidences.len() < ANSWERS && looked_through < LOOKED_THROUGH {
            let page = self.context.catalog.predictions(&range, before.as_ref(), PAGE).await?;
            let of_champion = page.iter().filter(|one| one.model == *model && one.version == *champion);
            confidences.extend(of_champion.filter_map(|one| one.probabilities.get(&one.class).copied()));
            looked_through += page.len();
            before = page.last().map(Cursor::from);
            if page.len() < PAGE {
                break;
            }
        }
        confidences.truncate(ANSWERS);
        Ok(MeanConfidence::of(confidences))
    }
}
