//! Telling people, each channel by itself, each event once.

use futures::future::join_all;
use pappus_domain::{Digest, Event};
use pappus_host::{Context, Failure, Settings};
use tokio::time::timeout;
use uuid::Uuid;

use crate::channel::{Channel, PATIENCE, channels};
use crate::error::Error;
use crate::message::Message;
use crate::records::Records;

/// The notify stage.
pub struct Notify {
    context: Context,
    channels: Vec<Box<dyn Channel>>,
    records: Records,
}

/// What became of a test message.
#[derive(Debug)]
pub struct Tried {
    /// The channel, without its secrets.
    pub to: String,
    /// Whether it went.
    pub sent: Result<(), Error>,
}

impl Notify {
    /// Tells by the channels that the settings of `context` name.
    ///
    /// # Errors
    /// [`Error::Email`].
    pub fn new(context: Context) -> Result<Self, Error> {
        let records = Records::new(context.objects.clone());
        Ok(Self { channels: channels(&context.settings)?, records, context })
    }

    /// Sends a test message by every channel, and leaves no record.
    ///
    /// # Errors
    /// [`Error::Email`].
    pub async fn test(settings: &Settings) -> Result<Vec<Tried>, Error> {
        let (message, channels) = (Message::test(settings.model.as_str()), channels(settings)?);
        let tried = channels
            .iter()
            .map(async |channel| Tried { to: channel.place(), sent: send(&**channel, &message, Uuid::now_v7()).await });
        Ok(join_all(tried).await)
    }

    /// Tells people of an event, by each channel that was not told of it before. A channel that fails keeps no other from
    /// being told.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where a channel may take it later; what keeps the catalog or the records from being read.
    pub async fn tell(&self, event: &Event) -> Result<(), Error> {
        if self.channels.is_empty() {
            return Ok(());
        }
        let Some(message) = Message::of(event, &self.context).await? else { return Ok(()) };
        let id = id_of(event);
        let told = join_all(self.channels.iter().map(|channel| self.tell_by(&**channel, &message, id))).await;
        let mut failures = told.into_iter().filter_map(Result::err);
        let Some(first) = failures.next() else { return Ok(()) };
        failures.for_each(|error| tracing::warn!(error = %Failure::from(error), "a channel was not told either"));
        Err(first)
    }

    async fn tell_by(&self, channel: &dyn Channel, message: &Message, id: Uuid) -> Result<(), Error> {
        if self.records.has(id, channel.name()).await? {
            return Ok(());
        }
        let refusal = match send(channel, message, id).await {
            Ok(()) => {
                tracing::info!(event = %id, channel = channel.name(), title = message.title, "told");
                None
            }
            Err(error @ Error::Refused { .. }) => {
                let refusal = Failure::from(error).to_string();
                tracing::error!(event = %id, refusal, "people were not told, and this is not tried again");
                Some(refusal)
            }
            Err(error) => return Err(error),
        };
        // Where the process ends before this is written, the event is told of twice: better than never.
        self.records.add(id, channel.name(), refusal.as_deref()).await
    }
}

async fn send(channel: &dyn Channel, message: &Message, id: Uuid) -> Result<(), Error> {
    let late = || format!("it took longer than {} s", PATIENCE.as_secs());
    let sent = timeout(PATIENCE, channel.send(message, id)).await;
    sent.unwrap_or_else(|_| Err(Error::Unreachable { to: channel.place(), source: late().into() }))
}

/// By what an event is known in keys and mails: its id, which for ours follows from what it says; of any other text a
/// digest.
fn id_of(event: &Event) -> Uuid {
    let digest = Digest::of(event.id.as_bytes());
    let of_digest = || Uuid::new_v8(digest.as_bytes()[..16].try_into().unwrap_or_default());
    event.id.parse().unwrap_or_else(|_| of_digest())
}
