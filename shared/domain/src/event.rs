//! Events: how functions tell each other what happened. A CloudEvent (version 1.0), whatever carried it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

mod structured;

pub use structured::NotAnEvent;

use crate::digest::Digest;
use crate::feedback::Feedback;
use crate::model::{ModelName, ModelVersion};
use crate::prediction::Prediction;
use crate::run::{RunId, TrainingRequest};

/// A CloudEvent. `source` and `id` together name it: a second event with the same two is the same event again.
///
/// As JSON it is the structured form of CloudEvents 1.0. Attributes that Pappus does not know are passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "structured::Structured", into = "structured::Structured")]
pub struct Event {
    /// Unique within the source.
    pub id: String,
    /// Who says so, such as `/pappus/ingest`.
    pub source: String,
    /// What kind of thing happened, such as `io.pappus.model.trained`.
    pub kind: String,
    /// What it happened to.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// The particulars.
    pub data: Data,
}

/// What an event carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// JSON; null where the event carries nothing.
    Json(Value),
    /// Anything else, such as an image.
    Bytes {
        /// The media type, where the sender told it.
        content_type: Option<String>,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl Data {
    /// The media type of JSON.
    pub const JSON: &str = "application/json";

    /// What bytes of a media type are. Where the type says JSON, or does not say, and they are JSON, they are that;
    /// whoever wants JSON and is given other bytes says so.
    pub fn from_bytes(content_type: Option<String>, bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::Json(Value::Null);
        }
        if content_type.as_deref().is_none_or(is_json)
            && let Ok(json) = serde_json::from_slice(&bytes)
        {
            return Self::Json(json);
        }
        Self::Bytes { content_type, bytes }
    }
}

/// Whether a media type is JSON's, or built on it.
pub fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == Data::JSON || essence.ends_with("+json")
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// A kind of event that Pappus itself sends, with its particulars.
pub trait EventKind: Serialize + DeserializeOwned {
    /// The CloudEvents type.
    const KIND: &'static str;

    /// What it happened to, for the event's subject.
    fn subject(&self) -> String;
}

/// An event whose particulars are not of its kind's shape.
#[derive(Debug, thiserror::Error)]
#[error("event `{id}` of type `{kind}` cannot be read")]
pub struct BadEvent {
    id: String,
    kind: String,
    #[source]
    source: serde_json::Error,
}

impl Event {
    /// The version of the specification.
    pub const SPECVERSION: &str = "1.0";

    /// An event of one of our kinds. Its id follows from what it says, so that saying it twice is one event.
    ///
    /// # Errors
    /// Fails where the particulars cannot be written as JSON.
    pub fn new<K: EventKind>(function: &str, what: &K, time: Timestamp) -> Result<Self, serde_json::Error> {
        let data = serde_json::to_value(what)?;
        let identity = Digest::of_parts([K::KIND.as_bytes(), data.to_string().as_bytes()]);
        let id = Uuid::new_v8(identity.as_bytes()[..16].try_into().unwrap_or_default()).to_string();
        Ok(Self {
            id,
            source: format!("/pappus/{function}"),
            kind: K::KIND.into(),
            subject: Some(what.subject()),
            time: Some(time),
            data: Data::Json(data),
        })
    }

    /// The particulars, where the event is of kind `K`.
    ///
    /// # Errors
    /// [`BadEvent`] where it is of that kind but its particulars are not.
    pub fn read<K: EventKind>(&self) -> Result<Option<K>, BadEvent> {
        if self.kind != K::KIND {
            return Ok(None);
        }
        let read = match &self.data {
            Data::Json(json) => K::deserialize(json),
            Data::Bytes { .. } => Err(serde::de::Error::custom("its data is not JSON")),
        };
        read.map(Some).map_err(|source| BadEvent { id: self.id.clone(), kind: self.kind.clone(), source })
    }
}

macro_rules! event_kind {
    ($(#[$doc:meta])* $type:ident = $kind:literal, |$this:ident| $subject:expr, {
        $($(#[$field_doc:meta])* $field:ident: $field_type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $type { $($(#[$field_doc])* pub $field: $field_type,)* }

        impl EventKind for $type {
            const KIND: &'static str = $kind;

            fn subject(&self) -> String {
                let $this = self;
                $subject
            }
        }
    };
}

event_kind! {
    /// Images have been ingested.
    ImagesIngested = "io.pappus.image.ingested", |this| this.batch.clone(), {
        /// What names the batch: equal batches are one event.
        batch: String,
        /// How many of its images are stored; those that a delivery before this one stored count too.
        stored: u64,
    }
}

event_kind! {
    /// A training is wanted.
    TrainingRequested = "io.pappus.training.requested", |this| this.request.run.to_string(), {
        /// What is wanted.
        request: TrainingRequest,
    }
}

event_kind! {
    /// A model version has been made.
    ModelTrained = "io.pappus.model.trained", |this| format!("{}/{}", this.model, this.version), {
        /// The model.
        model: ModelName,
        /// The version.
        version: ModelVersion,
        /// The run that made it.
        run: RunId,
    }
}

event_kind! {
    /// A training is over, with nothing to show.
    TrainingFailed = "io.pappus.training.failed", |this| this.run.to_string(), {
        /// The model that there is no new version of.
        model: ModelName,
        /// The run.
        run: RunId,
        /// Why, as its row has it.
        message: String,
    }
}

event_kind! {
    /// A model version has been judged.
    ModelEvaluated = "io.pappus.model.evaluated", |this| format!("{}/{}", this.model, this.version), {
        /// The model.
        model: ModelName,
        /// The version.
        version: ModelVersion,
        /// The data set whose test side it was judged on.
        data_set: Digest,
        /// Whether every gate was passed.
        passed: bool,
    }
}

event_kind! {
    /// Another version answers now.
    ReleaseChanged = "io.pappus.release.changed", |this| this.model.to_string(), {
        /// The model.
        model: ModelName,
        /// The release row's generation after the change.
        generation: u64,
        /// The champion after the change.
        champion: ModelVersion,
    }
}

event_kind! {
    /// An object has been put into the store.
    ObjectCreated = "io.pappus.object.created", |this| this.key.clone(), {
        /// Its bucket, where the store has buckets.
        bucket: Option<String>,
        /// Its key.
        key: String,
        /// What tells this content of the key from another: a version or an entity tag.
        version: Option<String>,
    }
}

event_kind! {
    /// It is time to look whether there is something to do.
    ScheduleCame = "io.pappus.schedule", |this| this.name.clone(), {
        /// The schedule.
        name: String,
    }
}

event_kind! {
    /// Somebody who watches has seen that something is wrong.
    AlertRaised = "io.pappus.alert", |this| this.name.clone(), {
        /// What the alert is called.
        name: String,
        /// Whether it is over.
        resolved: bool,
        /// What tells this alert from others of its name.
        labels: BTreeMap<String, String>,
        /// What it says to people.
        summary: String,
    }
}

event_kind! {
    /// An image that came in an event has been classified.
    PredictionMade = "io.pappus.prediction.made", |this| this.prediction.id.0.to_string(), {
        /// The event that carried the image: its source.
        asked_by: String,
        /// And its id.
        asked_as: String,
        /// The answer.
        prediction: Prediction,
    }
}

event_kind! {
    /// The truth of a prediction has been told.
    FeedbackGiven = "io.pappus.feedback.given", |this| this.feedback.prediction.to_string(), {
        /// What was told.
        feedback: Feedback,
        /// The key of the object that has the image's bytes, if they were kept.
        bytes: Option<String>,
    }
}
