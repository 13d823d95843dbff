//! What waits to be told, and what was set aside: small objects, so that every function on every host has them.
//!
//! A key under `tracking/outbox/` is a UUIDv7, so that keys sort by time and no two processes write the same one. What is
//! told is taken away by its key: what has come meanwhile has another, and stays.

use bytes::Bytes;
use futures::StreamExt as _;
use pappus_domain::Timestamp;
use pappus_objects::{Key, Objects, PutMode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::news::News;
use crate::report::Refusal;

const OUTBOX: &str = "tracking/outbox/";
const REFUSED: &str = "tracking/refused/";
const STATE: &str = "tracking/state.json";
/// Entries that are looked at together.
pub(crate) const PAGE: usize = 500;
/// The most entries that are counted: a number for people.
const COUNTED: usize = 10_000;
const MAX_ENTRY_BYTES: u64 = 1 << 20;
/// What is kept of a larger one: it begins with what it is of.
const KEPT_BYTES: usize = 4 << 10;

/// What waits, and what was set aside.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    objects: Objects,
}

/// An entry, as far as it can be read.
pub(crate) struct Entry {
    /// As it was written; of one that is too large, how it begins.
    pub(crate) bytes: Bytes,
    pub(crate) news: Result<News, String>,
}

/// What the last round of any process came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// When it was last tried to tell something.
    pub(crate) tried_at: Option<Timestamp>,
    /// Why it did not come to an end; nothing where it did.
    pub(crate) trouble: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SetAside {
    at: Timestamp,
    reason: String,
    entry: String,
}

impl Outbox {
    pub(crate) const fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// Writes down what is to be told.
    pub(crate) async fn put(&self, news: &News) -> Result<(), Error> {
        let key: Key = format!("{OUTBOX}{}.json", Uuid::now_v7()).parse()?;
        let json = serde_json::to_vec(news)?;
        Ok(self.objects.put(&key, json.into(), PutMode::IfAbsent).await?)
    }

    /// The next entries after a key, oldest first.
    pub(crate) async fn page(&self, after: Option<&Key>) -> Result<Vec<Key>, Error> {
        let page = self.objects.list(OUTBOX, after, PAGE).await?;
        Ok(page.into_iter().map(|meta| meta.key).collect())
    }

    /// An entry; nothing where another process has told it.
    pub(crate) async fn read(&self, key: &Key) -> Result<Option<Entry>, Error> {
        match self.objects.get(key, MAX_ENTRY_BYTES).await {
            Ok(bytes) => {
                let news = serde_json::from_slice(&bytes).map_err(|error| format!("the entry cannot be read: {error}"));
                Ok(Some(Entry { bytes, news }))
            }
            Err(pappus_objects::Error::NotFound { .. }) => Ok(None),
            // It will never be smaller: to wait for it would be to wait for ever.
            Err(error @ pappus_objects::Error::TooLarge { .. }) => {
                let news = Err(format!("the entry cannot be read: {error}"));
                Ok(Some(Entry { bytes: self.beginning(key).await?, news }))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn beginning(&self, key: &Key) -> Result<Bytes, Error> {
        let mut reading = self.objects.get_stream(key).await?;
        let mut piece = reading.bytes.next().await.transpose()?.unwrap_or_default();
        piece.truncate(KEPT_BYTES);
        Ok(piece)
    }

    /// Takes away what has been told.
    pub(crate) async fn take(&self, key: &Key) -> Result<(), Error> {
        Ok(self.objects.delete(key).await?)
    }

    /// Sets an entry aside, with the reason.
    pub(crate) async fn set_aside(&self, key: &Key, entry: &[u8], reason: &str) -> Result<(), Error> {
        let name = key.as_str().trim_start_matches(OUTBOX);
        let aside: Key = format!("{REFUSED}{name}").parse()?;
        let entry = String::from_utf8_lossy(entry).into_owned();
        let json = serde_json::to_vec_pretty(&SetAside { at: Timestamp::now(), reason: reason.into(), entry })?;
        self.objects.put(&aside, json.into(), PutMode::Overwrite).await?;
        Ok(self.objects.delete(key).await?)
    }

    /// Puts what was set aside back among what waits. Returns how much that was.
    pub(crate) async fn put_back(&self) -> Result<usize, Error> {
        let mut count = 0;
        while let Some(meta) = self.objects.list(REFUSED, None, 1).await?.pop() {
            let aside = self.aside(&meta.key).await?;
            let name = meta.key.as_str().trim_start_matches(REFUSED);
            let key: Key = format!("{OUTBOX}{name}").parse()?;
            self.objects.put(&key, aside.entry.into(), PutMode::Overwrite).await?;
            self.objects.delete(&meta.key).await?;
            count += 1;
        }
        Ok(count)
    }

    async fn aside(&self, key: &Key) -> Result<SetAside, Error> {
        let bytes = self.objects.get(key, 8 * MAX_ENTRY_BYTES).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// How many entries wait, at most [`COUNTED`], and since when the oldest.
    pub(crate) async fn waiting(&self) -> Result<(usize, Option<Timestamp>), Error> {
        let keys = self.count(OUTBOX).await?;
        let oldest = keys.first().and_then(|key| written_at(key.as_str().trim_start_matches(OUTBOX)));
        Ok((keys.len(), oldest))
    }

    /// How many entries were set aside, at most [`COUNTED`], and the last of them.
    pub(crate) async fn refused(&self) -> Result<(usize, Option<Refusal>), Error> {
        let keys = self.count(REFUSED).await?;
        let last = match keys.last() {
            None => None,
            Some(key) => {
                // Somebody may have put it back meanwhile.
                match self.aside(key).await {
                    Err(Error::Objects(pappus_objects::Error::NotFound { .. })) => None,
                    aside => aside.map(|SetAside { at, reason, .. }| Some(Refusal { at, reason }))?,
                }
            }
        };
        Ok((keys.len(), last))
    }

    async fn count(&self, prefix: &str) -> Result<Vec<Key>, Error> {
        let mut keys: Vec<Key> = Vec::new();
        while keys.len() < COUNTED {
            let page = self.objects.list(prefix, keys.last(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            keys.extend(page.into_iter().map(|meta| meta.key));
        }
        Ok(keys)
    }

    /// What the last round came to.
    pub(crate) async fn state(&self) -> Result<State, Error> {
        match self.objects.get(&STATE.parse()?, MAX_ENTRY_BYTES).await {
            Err(pappus_objects::Error::NotFound { .. }) => Ok(State::default()),
            // Another version of this program may have written it; the next round writes it anew.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes down what a round came to.
    pub(crate) async fn write_state(&self, state: &State) -> Result<(), Error> {
        let json = serde_json::to_vec(state)?;
        Ok(self.objects.put(&STATE.parse()?, json.into(), PutMode::Overwrite).await?)
    }
}

/// When an entry was written, by its name.
fn written_at(name: &str) -> Option<Timestamp> {
    let (seconds, nanoseconds) = Uuid::parse_str(name.strip_suffix(".json")?).ok()?.get_timestamp()?.to_unix();
    Timestamp::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?).ok()
}
