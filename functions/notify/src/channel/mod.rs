//! Ways to people.

mod email;
mod slack;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use pappus_host::Settings;
use uuid::Uuid;

use self::email::EmailChannel;
use self::webhook::WebhookChannel;
use crate::error::Error;
use crate::message::Message;

/// How long one message may take on its way.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A way to people.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// What it is known by in records and logs, the same for ever.
    fn name(&self) -> &str;

    /// Where it goes, without secrets.
    fn place(&self) -> String;

    /// Sends a message, once. `id` is the same for the same event.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    async fn send(&self, message: &Message, id: Uuid) -> Result<(), Error>;
}

/// The channels that the settings name.
///
/// # Errors
/// [`Error::Email`].
pub(crate) fn channels(settings: &Settings) -> Result<Vec<Box<dyn Channel>>, Error> {
    let mut channels: Vec<Box<dyn Channel>> = Vec::new();
    if let Some(webhook) = &settings.notify.webhook {
        channels.push(Box::new(WebhookChannel::new(webhook.clone())));
    }
    if let Some(email) = &settings.notify.email {
        let each = EmailChannel::each(email)?.into_iter();
        channels.extend(each.map(|channel| Box::new(channel) as Box<dyn Channel>));
    }
    Ok(channels)
}
