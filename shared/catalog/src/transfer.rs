//! A catalog's whole content, record by record: to move it from one catalog to another.

use std::fmt;

use async_trait::async_trait;
use pappus_domain::release::LedgerEntry;
use pappus_domain::split::Placement;
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Feedback, Image, Manifest, Prediction, Release, Run};
use serde::{Deserialize, Serialize};

use crate::{DataSetRecord, Error, Source};

/// What a catalog holds, leases aside: those are of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Images, each with where it belongs.
    Images,
    /// Sources.
    Sources,
    /// Frozen data sets.
    DataSets,
    /// Trainings.
    Runs,
    /// Model versions.
    Models,
    /// What was found out about them.
    Evaluations,
    /// Who answers for each model.
    Releases,
    /// How it came to.
    Ledger,
    /// The prediction log.
    Predictions,
    /// What was decided about training.
    Decisions,
    /// The true labels of predictions.
    Feedback,
}

impl Kind {
    /// All of them, what is referred to before what refers to it.
    pub const ALL: [Self; 11] = [
        Self::Images,
        Self::Sources,
        Self::DataSets,
        Self::Runs,
        Self::Models,
        Self::Evaluations,
        Self::Ledger,
        Self::Releases,
        Self::Predictions,
        Self::Decisions,
        Self::Feedback,
    ];

    /// What people call them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Sources => "sources",
            Self::DataSets => "data sets",
            Self::Runs => "runs",
            Self::Models => "models",
            Self::Evaluations => "evaluations",
            Self::Releases => "releases",
            Self::Ledger => "ledger entries",
            Self::Predictions => "predictions",
            Self::Decisions => "decisions",
            Self::Feedback => "true labels",
        }
    }
}

/// One thing that a catalog holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a page of them lives for a moment")]
pub enum Record {
    /// An image, and where it belongs.
    Image {
        /// The image.
        image: Image,
        /// Where it belongs, once it has been in a data set.
        placement: Option<Placement>,
    },
    /// A source.
    Source(Source),
    /// A frozen data set.
    DataSet(DataSetRecord),
    /// A training.
    Run(Run),
    /// A model version.
    Model(Manifest),
    /// An evaluation.
    Evaluation(Evaluation),
    /// Who answers for a model.
    Release(Release),
    /// An entry of its ledger.
    Ledger(LedgerEntry),
    /// A prediction.
    Prediction(Prediction),
    /// A decision whether to train.
    Decision(DecisionRecord),
    /// The true label of a prediction.
    Feedback(Feedback),
}

impl Record {
    /// Of which kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Image { .. } => Kind::Images,
            Self::Source(_) => Kind::Sources,
            Self::DataSet(_) => Kind::DataSets,
            Self::Run(_) => Kind::Runs,
            Self::Model(_) => Kind::Models,
            Self::Evaluation(_) => Kind::Evaluations,
            Self::Release(_) => Kind::Releases,
            Self::Ledger(_) => Kind::Ledger,
            Self::Prediction(_) => Kind::Predictions,
            Self::Decision(_) => Kind::Decisions,
            Self::Feedback(_) => Kind::Feedback,
        }
    }

    /// What tells it from the others of its kind: its parts, where there are several, joined by `/`.
    pub fn key(&self) -> String {
        match self {
            Self::Image { image, .. } => image.id.to_string(),
            Self::Source(source) => source.url.clone(),
            Self::DataSet(data_set) => data_set.digest.to_string(),
            Self::Run(run) => run.request.run.0.simple().to_string(),
            Self::Model(manifest) => format!("{}/{}", manifest.name, manifest.version),
            Self::Evaluation(Evaluation { model, version, data_set, .. }) => format!("{model}/{version}/{data_set}"),
            Self::Release(release) => release.model.to_string(),
            Self::Ledger(entry) => format!("{}/{}", entry.model, entry.generation),
            Self::Prediction(prediction) => prediction.id.0.simple().to_string(),
            Self::Decision(decision) => decision.id.0.simple().to_string(),
            Self::Feedback(feedback) => feedback.prediction.0.simple().to_string(),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Image { .. } => "image",
            Self::Source(_) => "source",
            Self::DataSet(_) => "data set",
            Self::Run(_) => "run",
            Self::Model(_) => "model",
            Self::Evaluation(_) => "evaluation",
            Self::Release(_) => "release",
            Self::Ledger(_) => "ledger entry",
            Self::Prediction(_) => "prediction",
            Self::Decision(_) => "decision",
            Self::Feedback(_) => "true label of prediction",
        };
        write!(f, "{name} `{}`", self.key())
    }
}

/// Some records of one kind, in an order that stays the same for one catalog.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; nothing where these were the last. Only the catalog that gave it understands it.
    pub next: Option<String>,
}

/// Moving everything. Reads whole tables: for people, never on a request path.
#[async_trait]
pub trait Transfer: Send + Sync {
    /// Records of a kind, at most `limit` and at least one where any are left, from where `after` says.
    async fn export(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Page, Error>;

    /// Writes records exactly as they are, and says how many were new. One that is there already, and the same, is left.
    /// Nothing or all of it is written, unless the catalog says otherwise; in any case it can be done again.
    ///
    /// # Errors
    /// [`Error::Differs`] where one is there that is not the same.
    async fn import(&self, records: &[Record]) -> Result<u64, Error>;
}
