//! Metadata: what is known of images, data sets, runs, models, releases and predictions.
//!
//! One trait a concern, so that a function asks for no more than it needs; [`Catalog`] is all of them. [`open`] makes a
//! catalog from a URL: `sqlite:///path/to/catalog.db`, `mysql://user@host/database`, `dynamodb://table?region=…`. Every
//! implementation passes the same suite, `contract` (a feature of that name).
//!
//! Rules that every implementation keeps: writes are durable when they return; inserting what is there already changes
//! nothing and says so; a row that others may change at once is changed by compare-and-swap only.
//!
//! A list of rows is written in one transaction where the store's are large enough (SQLite, MySQL), and otherwise
//! (DynamoDB) in several: then each row is written whole or not at all, with all that is counted of it, and after an
//! error some of the list may be written. In both cases writing the list again completes it, and does nothing twice. No
//! list is begun that has a row which cannot be written.

#[cfg(feature = "dynamodb")]
mod dynamodb;
mod error;
mod fault;
mod held;
mod merge;
#[cfg(feature = "mysql")]
mod mysql;
mod read;
mod row;
mod sqlite;
mod transfer;
mod url;
mod write;

#[cfg(feature = "contract")]
pub mod contract;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::release::{Change, LedgerEntry};
use pappus_domain::split::Placement;
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{
    Digest, Feedback, Image, Lease, Manifest, ModelName, ModelVersion, PerceptualHash, Prediction, Release, Run, RunId,
    RunStatus, Timestamp,
};
use serde::{Deserialize, Serialize};

#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDbCatalog;
pub use error::Error;
pub use held::while_held;
#[cfg(feature = "mysql")]
pub use mysql::MySqlCatalog;
pub use sqlite::SqliteCatalog;
pub use transfer::{Kind, Page, Record, Transfer};
pub use url::{open, shown};

/// What the catalog did with an image that it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was not known.
    New,
    /// It was known, with the same label or with nothing to add.
    Known,
    /// It was known without this label, or was quarantined by older rules, and has been brought up to date.
    Updated,
    /// It is known under another label, which it keeps.
    Conflict(Label),
}

/// What to do with a known image that comes under another label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The first label stays: [`Recorded::Conflict`].
    Keep,
    /// The new label wins: [`Recorded::Updated`].
    Relabel,
}

/// A labelled, stored image, with what a data set needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The image.
    pub id: Digest,
    /// Its class.
    pub label: Label,
    /// Its perceptual hash.
    pub perceptual: PerceptualHash,
    /// Where it belongs, once it has been in a data set.
    pub placement: Option<Placement>,
}

/// How many images there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCounts {
    /// Stored images.
    pub stored: u64,
    /// Quarantined images.
    pub quarantined: u64,
    /// Stored images of each label.
    pub labels: BTreeMap<Label, u64>,
}

impl ImageCounts {
    /// Stored images that have a label.
    pub fn labelled(&self) -> u64 {
        self.labels.values().sum()
    }
}

/// Which images to list.
#[derive(Clone, Debug, Default)]
pub struct ImageFilter {
    /// `stored` or `quarantined` only.
    pub status: Option<&'static str>,
    /// Of this label only.
    pub label: Option<Label>,
    /// Those whose id comes after this one.
    pub after: Option<Digest>,
}

/// Images.
#[async_trait]
pub trait Images: Send + Sync {
    /// Records images, a list as above; one answer an image, in order. A later image of the list sees the earlier.
    async fn record_images(&self, images: &[Image], on_conflict: OnConflict) -> Result<Vec<Recorded>, Error>;

    /// One image.
    async fn image(&self, id: &Digest) -> Result<Option<Image>, Error>;

    /// Images in order of their ids, at most `limit`.
    async fn images(&self, filter: &ImageFilter, limit: usize) -> Result<Vec<Image>, Error>;

    /// Counts of all images.
    async fn image_counts(&self) -> Result<ImageCounts, Error>;

    /// Every labelled, stored image, in order of the ids.
    async fn labelled(&self) -> Result<Vec<Labelled>, Error>;

    /// Records where images belong, a list as above. An image that is placed already stays where it is.
    async fn place_images(&self, placements: &[(Digest, Placement)]) -> Result<(), Error>;
}

/// How far a source has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum SourceStatus {
    /// To be fetched.
    Pending,
    /// Fetched and recorded as an image.
    Stored {
        /// The image.
        image: Digest,
    },
    /// Given up, or fetched and found bad.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One line of a manifest: a URL to fetch an image from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `http`, `https` or `file`.
    pub url: String,
    /// The class of the image.
    pub label: Label,
    /// How far it has come.
    #[serde(flatten)]
    pub status: SourceStatus,
}

/// What the catalog did with a source that it was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is to be fetched, under this label.
    Pending,
    /// It is to be fetched, under another label, which it keeps.
    Conflict(Label),
    /// It was fetched before, and is this image.
    Stored(Digest),
}

/// Sources: what is to be fetched, so that a fetch that was cut off goes on where it was.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Adds sources as pending, a list as above; one answer a source, in order. A later source of the list sees the
    /// earlier. One that has failed is pending again, with the new label. One that is pending under another label is
    /// settled as `on_conflict` says. One that is stored stays as it is: what its image is called, the image says.
    async fn add_sources(&self, sources: &[(String, Label)], on_conflict: OnConflict) -> Result<Vec<Added>, Error>;

    /// Pending sources in order of their URLs, those after `after`, at most `limit`. URLs of more than 512 bytes that begin
    /// alike may be in another order, which stays the same.
    async fn pending_sources(&self, after: Option<&str>, limit: usize) -> Result<Vec<Source>, Error>;

    /// Records how a source came out.
    async fn settle_source(&self, url: &str, status: &SourceStatus) -> Result<(), Error>;

    /// How many sources there are of each status: `pending`, `stored`, `failed`.
    async fn source_counts(&self) -> Result<BTreeMap<String, u64>, Error>;
}

/// A frozen data set; its lines are an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSetRecord {
    /// Its version.
    pub digest: Digest,
    /// Labelled images there were when it was last frozen, those set aside among them.
    pub labelled: u64,
    /// When it was first frozen.
    pub frozen_at: Timestamp,
}

/// Data sets and runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Records a data set; of one that is known, `labelled` is brought up to date and the rest stays as it is.
    async fn record_data_set(&self, data_set: &DataSetRecord) -> Result<(), Error>;

    /// One data set.
    async fn data_set(&self, digest: &Digest) -> Result<Option<DataSetRecord>, Error>;

    /// Records a run as requested; one that is known stays as it is.
    async fn create_run(&self, run: &Run) -> Result<(), Error>;

    /// Moves a run on. A run that is over stays as it is: the answer says whether it moved. `data_set` is kept where
    /// `None` is given.
    async fn update_run(
        &self,
        id: &RunId,
        data_set: Option<&Digest>,
        status: &RunStatus,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// One run.
    async fn run(&self, id: &RunId) -> Result<Option<Run>, Error>;

    /// The last `limit` runs of a model, newest first.
    async fn runs(&self, model: &ModelName, limit: usize) -> Result<Vec<Run>, Error>;
}

/// Model versions and what was found out about them.
#[async_trait]
pub trait Models: Send + Sync {
    /// Records a version; one that is known stays as it is.
    async fn record_model(&self, manifest: &Manifest) -> Result<(), Error>;

    /// One version.
    async fn model(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Manifest>, Error>;

    /// The last `limit` versions, newest first.
    async fn models(&self, name: &ModelName, limit: usize) -> Result<Vec<Manifest>, Error>;

    /// The versions that begin with `prefix`, at most two: enough to know whether it is ambiguous.
    async fn find_models(&self, name: &ModelName, prefix: &str) -> Result<Vec<ModelVersion>, Error>;

    /// The names of all models, in order.
    async fn model_names(&self) -> Result<Vec<ModelName>, Error>;

    /// Records an evaluation. It replaces an earlier one of the same version on the same data set.
    async fn record_evaluation(&self, evaluation: &Evaluation) -> Result<(), Error>;

    /// The latest evaluation of a version.
    async fn evaluation(&self, name: &ModelName, version: &ModelVersion) -> Result<Option<Evaluation>, Error>;
}

/// Releases and their ledger.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Who answers for a model now.
    async fn release(&self, model: &ModelName) -> Result<Option<Release>, Error>;

    /// Replaces the release `from` (none: the first release) by `to` and writes the ledger entry, in one transaction.
    ///
    /// # Errors
    /// [`Error::ReleaseMoved`] with the release that is there, where that is not `from`.
    async fn change_release(&self, from: Option<&Release>, to: &Release, change: Change) -> Result<LedgerEntry, Error>;

    /// The whole ledger of a model, oldest first.
    async fn ledger(&self, model: &ModelName) -> Result<Vec<LedgerEntry>, Error>;
}

/// A stretch of time: its beginning is part of it, its end is not. The default is all of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Its beginning.
    pub from: Option<Timestamp>,
    /// Its end.
    pub until: Option<Timestamp>,
}

/// A place in the prediction log: that of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When it was made.
    pub at: Timestamp,
    /// Its id, which orders those of one moment.
    pub id: PredictionId,
}

impl From<&Prediction> for Cursor {
    fn from(prediction: &Prediction) -> Self {
        Self { at: prediction.at, id: prediction.id }
    }
}

/// The prediction log. It may be long: a hundred million are no exception, so what is read of it is bounded.
#[async_trait]
pub trait Predictions: Send + Sync {
    /// Appends predictions, a list as above; those that are there already are left as they are.
    async fn log_predictions(&self, predictions: &[Prediction]) -> Result<(), Error>;

    /// One prediction.
    async fn prediction(&self, id: &PredictionId) -> Result<Option<Prediction>, Error>;

    /// Predictions made `within` some time, newest first, at most `limit`; those before `before`, the last of the page
    /// before, where that is given.
    async fn predictions(
        &self,
        within: &TimeRange,
        before: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Prediction>, Error>;

    /// How many predictions were made `within` some time; `at_most` where there are more.
    async fn count_predictions(&self, within: &TimeRange, at_most: u64) -> Result<u64, Error>;

    /// Removes predictions made before some moment, the oldest first, at most `at_most`, and says how many.
    async fn delete_predictions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error>;
}

/// What was decided about training.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Records a decision; one that is known stays as it is.
    async fn record_decision(&self, decision: &DecisionRecord) -> Result<(), Error>;

    /// The last `limit` decisions about a model, newest first.
    async fn decisions(&self, model: &ModelName, limit: usize) -> Result<Vec<DecisionRecord>, Error>;

    /// Removes decisions made before some moment, at most `at_most`, and says how many.
    async fn delete_decisions(&self, before: Timestamp, at_most: usize) -> Result<u64, Error>;
}

/// The true labels of predictions, as far as they were told.
#[async_trait]
pub trait Feedbacks: Send + Sync {
    /// Records the true label of a prediction. Of two words on one prediction the later stands, in whatever order they
    /// come.
    async fn record_feedback(&self, feedback: &Feedback) -> Result<(), Error>;

    /// What was told of one prediction.
    async fn feedback(&self, prediction: &PredictionId) -> Result<Option<Feedback>, Error>;

    /// What was told of the predictions of a version since some moment, the newest first, at most `limit`.
    async fn feedback_since(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Feedback>, Error>;
}

/// The answer to a wish for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is yours; `after` is the dead holder whose lease had run out, if there was one.
    Granted {
        /// Your lease.
        lease: Lease,
        /// Who held it and let it run out.
        after: Option<String>,
    },
    /// Somebody else has it.
    Held(Lease),
}

/// Leases.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Asks for a lease of [`Lease::LIFE`] from `now`. A holder that asks again for what it holds is granted it.
    async fn acquire_lease(&self, name: &str, holder: &str, now: Timestamp) -> Result<Acquired, Error>;

    /// Renews a lease from `now` on and raises its beat; `None` where it is no longer held by that holder.
    async fn renew_lease(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error>;

    /// Gives a lease back; if it is no longer held by that holder nothing happens.
    async fn release_lease(&self, lease: &Lease) -> Result<(), Error>;

    /// Who holds a lease, run out or not.
    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error>;
}

/// All of the catalog.
#[async_trait]
pub trait Catalog:
    Images + Sources + Runs + Models + Releases + Predictions + Decisions + Feedbacks + Leases + Transfer + Debug
{
    /// Whether the catalog can be reached and used.
    async fn check(&self) -> Result<(), Error>;

    /// Finishes what is under way and closes every connection.
    async fn close(&self);
}

/// A catalog that any thread may use.
pub type SharedCatalog = Arc<dyn Catalog>;
