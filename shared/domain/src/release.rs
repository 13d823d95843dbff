//! Releases: which version answers, and the ledger of how it came to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::model::{ModelName, ModelVersion};

/// Who answers for a model now: one row a model, changed only by compare-and-swap on `generation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The model.
    pub model: ModelName,
    /// The version that answers.
    pub champion: ModelVersion,
    /// The version that answered before: where a rollback goes.
    pub previous: Option<ModelVersion>,
    /// How often the row has changed; 1 for the first release.
    pub generation: u64,
}

/// What was done to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseAction {
    /// A version became champion.
    Promote,
    /// The version before became champion again.
    Rollback,
}

impl ReleaseAction {
    /// `promote` or `rollback`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// Why a release cannot change so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotChange {
    /// The version answers already.
    #[error("version `{0}` is the champion already")]
    AlreadyChampion(ModelVersion),
    /// Nothing was released before.
    #[error("there is no earlier champion to roll back to")]
    NothingBefore,
}

impl Release {
    /// The release after `version` became champion, from the release `current`, or from none.
    ///
    /// # Errors
    /// [`CannotChange::AlreadyChampion`].
    pub fn promote(current: Option<&Self>, model: &ModelName, version: &ModelVersion) -> Result<Self, CannotChange> {
        let Some(current) = current else {
            return Ok(Self { model: model.clone(), champion: version.clone(), previous: None, generation: 1 });
        };
        if current.champion == *version {
            return Err(CannotChange::AlreadyChampion(version.clone()));
        }
        Ok(Self {
            model: model.clone(),
            champion: version.clone(),
            previous: Some(current.champion.clone()),
            generation: current.generation + 1,
        })
    }

    /// The release after the version before became champion again. Rolling back twice changes nothing but the
    /// generation: the two versions swap places.
    ///
    /// # Errors
    /// [`CannotChange::NothingBefore`].
    pub fn roll_back(&self) -> Result<Self, CannotChange> {
        let before = self.previous.clone().ok_or(CannotChange::NothingBefore)?;
        Self::promote(Some(self), &self.model, &before)
    }
}

/// One line of the ledger. Each carries the digest of the line before, so that no line can be changed or dropped
/// unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The model.
    pub model: ModelName,
    /// The generation that this change made.
    pub generation: u64,
    /// What was done.
    pub action: ReleaseAction,
    /// The champion before.
    pub from: Option<ModelVersion>,
    /// The champion after.
    pub to: ModelVersion,
    /// Who did it: `promote` for the function, a user's name for an operator.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The digest of the entry before, or of nothing for the first.
    pub before: Digest,
    /// The digest of this entry.
    pub digest: Digest,
}

/// What a ledger entry says beside what the release itself says.
#[derive(Clone, Debug)]
pub struct Change {
    /// What was done.
    pub action: ReleaseAction,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl LedgerEntry {
    /// The entry for the step from one release to the next, chained to the entry `last`.
    pub fn new(last: Option<&Self>, from: Option<&Release>, to: &Release, change: Change) -> Self {
        let Change { action, actor, reason, at } = change;
        // The catalog keeps milliseconds: the digest must be over what will be read back.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let mut entry = Self {
            model: to.model.clone(),
            generation: to.generation,
            action,
            from: from.map(|release| release.champion.clone()),
            to: to.champion.clone(),
            actor,
            reason,
            at,
            before: last.map_or(Digest::of(b""), |entry| entry.digest),
            digest: Digest::of(b""),
        };
        entry.digest = entry.compute();
        entry
    }

    fn compute(&self) -> Digest {
        let from = self.from.as_ref().map_or("", ModelVersion::as_str);
        Digest::of_parts([
            self.before.as_bytes().as_slice(),
            self.model.as_str().as_bytes(),
            &self.generation.to_le_bytes(),
            self.action.as_str().as_bytes(),
            from.as_bytes(),
            self.to.as_str().as_bytes(),
            self.actor.as_bytes(),
            self.reason.as_bytes(),
            &self.at.as_millisecond().to_le_bytes(),
        ])
    }

    /// Checks a whole ledger, oldest entry first.
    ///
    /// # Errors
    /// [`BrokenLedger`], naming the first entry that is not what was written.
    pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Self>) -> Result<(), BrokenLedger> {
        let mut before = Digest::of(b"");
        for entry in entries {
            if entry.before != before || entry.digest != entry.compute() {
                return Err(BrokenLedger { model: entry.model.clone(), generation: entry.generation });
            }
            before = entry.digest;
        }
        Ok(())
    }
}

/// A ledger that somebody has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the release ledger of `{model}` was tampered with at generation {generation}: restore it from a backup")]
pub struct BrokenLedger {
    /// The model.
    pub model: ModelName,
    /// The first entry that does not fit.
    pub generation: u64,
}
