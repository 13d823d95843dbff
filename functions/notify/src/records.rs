//! What was told, by event and channel: `notifications/<event>/<channel>.json`.

use pappus_domain::Timestamp;
use pappus_objects::{Error as ObjectsError, Key, Objects, PutMode};
use serde_json::json;
use uuid::Uuid;

use crate::error::Error;

/// What was told.
pub(crate) struct Records {
    objects: Objects,
}

impl Records {
    pub(crate) const fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// Whether a channel was told of an event, or has refused to be.
    pub(crate) async fn has(&self, event: Uuid, channel: &str) -> Result<bool, Error> {
        match self.objects.head(&key(event, channel)?).await {
            Ok(_) => Ok(true),
            Err(ObjectsError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes down that a channel was told of an event, or why it refused to be.
    pub(crate) async fn add(&self, event: Uuid, channel: &str, refusal: Option<&str>) -> Result<(), Error> {
        let record = json!({ "at": Timestamp::now(), "refusal": refusal }).to_string();
        match self.objects.put(&key(event, channel)?, record.into(), PutMode::IfAbsent).await {
            // Another process has told it at the same time.
            Err(ObjectsError::AlreadyExists { .. }) => Ok(()),
            other => Ok(other?),
        }
    }
}

fn key(event: Uuid, channel: &str) -> Result<Key, Error> {
    Ok(format!("notifications/{event}/{channel}.json").parse()?)
}
