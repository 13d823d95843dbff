//! CloudEvents 1.0 in their structured form: one JSON object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Data, Event};

/// An event as it stands in JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Structured {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    data: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// Null is data too, other than none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Why something is no CloudEvent.
#[derive(Debug, thiserror::Error)]
pub enum NotAnEvent {
    /// An attribute is empty that must say something.
    #[error("the attribute `{0}` is empty")]
    Empty(&'static str),
    /// It follows another version of the specification.
    #[error("specversion is `{0}`: 1.0 is read")]
    Version(String),
    /// The data is said to be base64 and is not.
    #[error("`data_base64` is not base64")]
    Base64(#[from] base64::DecodeError),
    /// There are two kinds of data.
    #[error("there are both `data` and `data_base64`: an event has one of them")]
    Twice,
}

impl Event {
    /// Itself, if what a CloudEvent must say is said.
    ///
    /// # Errors
    /// [`NotAnEvent::Empty`].
    pub fn checked(self) -> Result<Self, NotAnEvent> {
        let attributes = [("id", &self.id), ("source", &self.source), ("type", &self.kind)];
        let empty = attributes.into_iter().find(|(_, value)| value.is_empty()).map(|(name, _)| name);
        empty.map_or(Ok(self), |name| Err(NotAnEvent::Empty(name)))
    }
}

impl TryFrom<Structured> for Event {
    type Error = NotAnEvent;

    fn try_from(read: Structured) -> Result<Self, NotAnEvent> {
        let Structured { specversion, id, source, kind, subject, time, datacontenttype, data, data_base64 } = read;
        if specversion != Self::SPECVERSION {
            return Err(NotAnEvent::Version(specversion));
        }
        let data = match (data, data_base64) {
            (Some(_), Some(_)) => return Err(NotAnEvent::Twice),
            (json, None) => Data::Json(json.unwrap_or_default()),
            (None, Some(base64)) => Data::from_bytes(datacontenttype, STANDARD.decode(base64)?),
        };
        Self { id, source, kind, subject, time, data }.checked()
    }
}

impl From<Event> for Structured {
    fn from(event: Event) -> Self {
        let Event { id, source, kind, subject, time, data } = event;
        let (datacontenttype, data, data_base64) = match data {
            Data::Json(Value::Null) => (None, None, None),
            Data::Json(json) => (Some(Data::JSON.to_owned()), Some(json), None),
            Data::Bytes { content_type, bytes } => (content_type, None, Some(STANDARD.encode(bytes))),
        };
        let specversion = Event::SPECVERSION.into();
        Self { specversion, id, source, kind, subject, time, datacontenttype, data, data_base64 }
    }
}
