//! What became of the candidates.

use pappus_domain::Digest;
use pappus_domain::image::Label;
use serde::Serialize;

/// What became of one candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "lowercase")]
pub enum Fate {
    /// A new image.
    Stored,
    /// Known already.
    Duplicate,
    /// Known already, and its label was added or changed.
    Relabelled,
    /// Known already, under another label, which it keeps.
    Conflict {
        /// The label it keeps.
        kept: Label,
    },
    /// Bad, and remembered as such.
    Quarantined {
        /// What is wrong with it.
        reason: String,
    },
    /// Its bytes could not be had.
    Unreadable {
        /// Why not.
        reason: String,
    },
}

/// What became of one candidate, and which it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Where it came from.
    pub origin: String,
    /// The image, if its bytes could be had.
    pub image: Option<Digest>,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

impl Outcome {
    /// A candidate that is known under another label.
    pub(crate) const fn conflict(origin: String, kept: Label) -> Self {
        Self { origin, image: None, fate: Fate::Conflict { kept } }
    }
}

/// What became of all candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Candidates.
    pub seen: u64,
    /// New images.
    pub stored: u64,
    /// Candidates that were known already.
    pub duplicates: u64,
    /// Known images whose label was added or changed.
    pub relabelled: u64,
    /// Known images that came under another label, and keep theirs.
    pub conflicts: u64,
    /// Bad images.
    pub quarantined: u64,
    /// Candidates whose bytes could not be had.
    pub unreadable: u64,
    /// New images that have no label.
    pub unlabelled: u64,
    /// The first outcomes that somebody should look at: conflicts, quarantined, unreadable.
    pub attention: Vec<Outcome>,
}

impl Summary {
    /// The most outcomes that are kept for people to look at; all of them are in the catalog.
    const ATTENTION: usize = 20;

    pub(crate) fn count(&mut self, outcome: Outcome, labelled: bool) {
        self.seen += 1;
        let counter = match outcome.fate {
            Fate::Stored => &mut self.stored,
            Fate::Duplicate => &mut self.duplicates,
            Fate::Relabelled => &mut self.relabelled,
            Fate::Conflict { .. } => &mut self.conflicts,
            Fate::Quarantined { .. } => &mut self.quarantined,
            Fate::Unreadable { .. } => &mut self.unreadable,
        };
        *counter += 1;
        match outcome.fate {
            Fate::Stored if !labelled => self.unlabelled += 1,
            Fate::Stored | Fate::Duplicate | Fate::Relabelled => {}
            _ if self.attention.len() < Self::ATTENTION => self.attention.push(outcome),
            _ => {}
        }
    }

    /// Adds what became of others.
    pub fn add(&mut self, other: Self) {
        self.seen += other.seen;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.relabelled += other.relabelled;
        self.conflicts += other.conflicts;
        self.quarantined += other.quarantined;
        self.unreadable += other.unreadable;
        self.unlabelled += other.unlabelled;
        let room = Self::ATTENTION.saturating_sub(self.attention.len());
        self.attention.extend(other.attention.into_iter().take(room));
    }
}
