//! The bytes of images that were classified, kept until somebody says what they show, where `PAPPUS_KEEP_IMAGES` says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use pappus_domain::{Feedback, Prediction};
use pappus_objects::{Key, Objects, PutMode};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::error::Error;

/// What may wait to be written, in pieces of 16 KiB: 64 MiB in all, and 4,096 images.
const ROOM: u32 = 4096;
const PIECE: usize = 16 << 10;
/// Images that are written at once.
const AT_ONCE: usize = 4;

/// Keeps images behind the answers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    objects: Objects,
    room: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    /// What is not written yet, by key: each channel closes once it is, or cannot be.
    under_way: Arc<Mutex<HashMap<String, watch::Receiver<()>>>>,
    lost: Counter,
}

impl Keeper {
    /// `lost` counts the images that could not be kept.
    pub(crate) fn new(objects: Objects, lost: Counter) -> Self {
        let (room, writing) = (Arc::new(Semaphore::new(ROOM as usize)), Arc::new(Semaphore::new(AT_ONCE)));
        Self { objects, room, writing, under_way: Arc::default(), lost }
    }

    /// Has the image of a prediction kept. Never waits: where too much waits already, the image is counted, not kept.
    pub(crate) fn keep(&self, prediction: &Prediction, bytes: Bytes) {
        let pieces = u32::try_from(bytes.len().div_ceil(PIECE)).unwrap_or(ROOM).max(1);
        let Ok(room) = self.room.clone().try_acquire_many_owned(pieces) else {
            self.lost.inc();
            return;
        };
        let (keeper, key) = (self.clone(), Feedback::kept_image(&prediction.image, prediction.at));
        let (done, is_done) = watch::channel(());
        self.under_way().insert(key.clone(), is_done);
        tokio::spawn(async move {
            let _room = (room, done);
            if let Err(error) = keeper.write(&key, bytes).await {
                keeper.lost.inc();
                tracing::warn!(key, error = &error as &dyn std::error::Error, "an image could not be kept");
            }
            keeper.under_way().remove(&key);
        });
    }

    async fn write(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        let key: Key = key.parse()?;
        let _turn = self.writing.acquire().await;
        match self.objects.put(&key, bytes, PutMode::IfAbsent).await {
            // The same image, asked for again: its name is the digest of its bytes.
            Ok(()) | Err(pappus_objects::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until all that is under way now is written, at most so long.
    pub(crate) async fn flush(&self, patience: Duration) {
        let under_way: Vec<_> = self.under_way().values().cloned().collect();
        // Nothing is ever sent: a channel changes when it closes.
        let written = join_all(under_way.into_iter().map(async |mut is_done| is_done.changed().await));
        if timeout(patience, written).await.is_err() {
            tracing::warn!("images are not kept yet, and lost if the process ends now");
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
