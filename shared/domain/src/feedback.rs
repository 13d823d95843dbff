//! Feedback: what an image that was classified truly shows, as somebody has said who knows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::image::Label;
use crate::model::{Manifest, ModelName, ModelVersion};
use crate::prediction::{Prediction, PredictionId};
use crate::stats::Proportion;

/// The true label of one prediction: a row of the catalog. A later word on the same prediction replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The prediction.
    pub prediction: PredictionId,
    /// The model that answered.
    pub model: ModelName,
    /// Its version.
    pub version: ModelVersion,
    /// The SHA-256 of the image's bytes.
    pub image: Digest,
    /// What was answered.
    pub class: Label,
    /// What is true.
    pub label: Label,
    /// When it was answered.
    pub predicted_at: Timestamp,
    /// When the truth was told.
    pub at: Timestamp,
}

/// A label that names no class of the model which answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{label}` is no class of version {version} of {model}: {}", listed(.classes))]
pub struct NoClass {
    label: Label,
    model: ModelName,
    version: ModelVersion,
    classes: Vec<Label>,
}

impl Feedback {
    /// What is known of a prediction once its true label is told.
    ///
    /// # Errors
    /// [`NoClass`] where the model that answered has no such class: then it is a slip, or another class to be collected.
    pub fn new(prediction: &Prediction, answered_by: &Manifest, label: Label, at: Timestamp) -> Result<Self, NoClass> {
        let Prediction { id, model, version, image, class, at: predicted_at, .. } = prediction.clone();
        if !answered_by.classes.contains(&label) {
            return Err(NoClass { label, model, version, classes: answered_by.classes.clone() });
        }
        Ok(Self { prediction: id, model, version, image, class, label, predicted_at, at })
    }

    /// Whether the answer was right.
    pub fn is_right(&self) -> bool {
        self.class == self.label
    }

    /// The accuracy on answers whose truth is told; nothing where there are none. Each image counts once, as the first of
    /// `told` has it: one that was sent a hundred times says no more than one.
    pub fn accuracy<'a>(told: impl IntoIterator<Item = &'a Self>) -> Option<Proportion> {
        let mut seen = BTreeSet::new();
        let once = told.into_iter().filter(|feedback| seen.insert(feedback.image));
        let count = |(right, of): (u64, u64), feedback: &Self| (right + u64::from(feedback.is_right()), of + 1);
        let (right, of) = once.fold((0, 0), count);
        (of > 0).then(|| Proportion::new(right, of))
    }

    /// The beginning of the keys of all images that are kept.
    pub const KEPT: &str = KEPT;

    /// Before which of those keys, in order, are the images of days before that of `at`.
    pub fn kept_since(at: Timestamp) -> String {
        kept_day(at)
    }

    /// Where the bytes of an image that was classified are kept, if they are, until somebody says what it shows: by the
    /// day, so that what is too old is found.
    pub fn kept_image(image: &Digest, predicted_at: Timestamp) -> String {
        format!("{}/{image}", kept_day(predicted_at))
    }
}

/// The folder of all images that are kept so.
const KEPT: &str = "kept/";

/// The folder of those that were classified on a day, in UTC.
fn kept_day(at: Timestamp) -> String {
    format!("{KEPT}{}", at.strftime("%Y-%m-%d"))
}

fn listed(classes: &[Label]) -> String {
    classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ")
}
