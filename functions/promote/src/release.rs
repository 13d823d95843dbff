//! The changes of a release.

use pappus_domain::event::ReleaseChanged;
use pappus_domain::release::{CannotChange, Change, LedgerEntry, ReleaseAction};
use pappus_domain::{ModelVersion, Release, Timestamp};
use pappus_host::Context;
use pappus_tracking::News;

use crate::error::Error;

/// Who changes a release, and why.
#[derive(Clone, Debug)]
pub struct By {
    /// `promote` for the function, a user's name for an operator.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The release after it.
    pub release: Release,
    /// Its entry in the ledger; none where the release was as wanted already.
    pub entry: Option<LedgerEntry>,
}

impl Changed {
    /// The event that tells the others.
    pub fn event(&self) -> ReleaseChanged {
        let Release { model, champion, generation, .. } = self.release.clone();
        ReleaseChanged { model, generation, champion }
    }
}

/// What a version must be to be promoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terms {
    /// Anything.
    Any,
    /// Judged against the present champion, and passed.
    Passed,
    /// That, and never champion before.
    PassedAndNew,
}

/// The promote stage.
#[derive(Clone)]
pub struct Promote {
    context: Context,
}

impl Promote {
    /// Changes the releases in the catalog of `context`.
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// Makes a version the champion, if it was judged against the present one and passed; with `force`, in any case.
    /// A version that is the champion already stays it, and nothing changes.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Catalog`] with `ReleaseMoved` where somebody else was quicker.
    pub async fn promote(&self, version: &ModelVersion, force: bool, by: By) -> Result<Changed, Error> {
        self.promote_on(if force { Terms::Any } else { Terms::Passed }, version, by).await
    }

    /// As [`Promote::promote`] without `force`, for a verdict that may be told of more than once: a version that was
    /// champion and is no more was rolled back or overtaken since, and bringing it back is for an operator to decide.
    ///
    /// # Errors
    /// As [`Promote::promote`], and [`Error::Replaced`].
    pub async fn promote_new(&self, version: &ModelVersion, by: By) -> Result<Changed, Error> {
        self.promote_on(Terms::PassedAndNew, version, by).await
    }

    async fn promote_on(&self, terms: Terms, version: &ModelVersion, by: By) -> Result<Changed, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let model = &settings.model;
        if catalog.model(model, version).await?.is_none() {
            return Err(Error::NoVersion(version.clone()));
        }
        let current = catalog.release(model).await?;
        let next = match (Release::promote(current.as_ref(), model, version), current.as_ref()) {
            (Err(CannotChange::AlreadyChampion(_)), Some(release)) => {
                // Whoever made it so may have been cut off before it was told.
                self.tell().await;
                return Ok(Changed { release: release.clone(), entry: None });
            }
            (next, _) => next?,
        };
        // The ledger is read after the release, which must not have moved when it is changed.
        if terms == Terms::PassedAndNew && catalog.ledger(model).await?.iter().any(|entry| entry.to == *version) {
            return Err(Error::Replaced(version.clone()));
        }
        if terms != Terms::Any {
            self.check_verdict(version, current.as_ref()).await?;
        }
        self.change(current.as_ref(), next, ReleaseAction::Promote, by).await
    }

    /// Makes the champion before the present one champion again.
    ///
    /// # Errors
    /// As [`Promote::promote`], and [`Error::NothingReleased`].
    pub async fn roll_back(&self, by: By) -> Result<Changed, Error> {
        let current = self.context.catalog.release(&self.context.settings.model).await?;
        let current = current.ok_or(Error::NothingReleased)?;
        let next = current.roll_back()?;
        self.change(Some(&current), next, ReleaseAction::Rollback, by).await
    }

    async fn change(
        &self,
        from: Option<&Release>,
        to: Release,
        action: ReleaseAction,
        by: By,
    ) -> Result<Changed, Error> {
        let change = Change { action, actor: by.actor, reason: by.reason, at: Timestamp::now() };
        let entry = self.context.catalog.change_release(from, &to, change).await?;
        self.tell().await;
        Ok(Changed { release: to, entry: Some(entry) })
    }

    async fn tell(&self) {
        let Context { settings, tracking, .. } = &self.context;
        tracking.tell(News::Release { model: settings.model.clone() }).await;
    }

    async fn check_verdict(&self, version: &ModelVersion, current: Option<&Release>) -> Result<(), Error> {
        let Context { catalog, settings, .. } = &self.context;
        let evaluation = catalog.evaluation(&settings.model, version).await?;
        let evaluation = evaluation.ok_or_else(|| Error::NotEvaluated(version.clone()))?;
        if !evaluation.verdict.passed {
            let failed = evaluation.verdict.gates.into_iter().filter(|gate| !gate.passed);
            let gates = failed.map(|gate| format!("{} ({})", gate.name, gate.figures)).collect();
            return Err(Error::Failed { version: version.clone(), gates });
        }
        match current.map(|release| &release.champion) {
            Some(champion) if evaluation.champion.as_ref() != Some(champion) => Err(Error::Outdated {
                version: version.clone(),
                judged: evaluation.champion.map_or_else(|| "no champion".into(), String::from),
                champion: champion.clone(),
            }),
            _ => Ok(()),
        }
    }
}
