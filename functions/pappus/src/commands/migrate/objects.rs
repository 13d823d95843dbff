//! Objects, copied and compared by the digest of their bytes.

use futures::stream::{self, BoxStream, TryChunksError};
use futures::{StreamExt as _, TryStreamExt as _};
use pappus_domain::digest::{Digest, Digester};
use pappus_host::Failure;
use pappus_objects::{Error, Key, Meta, ObjectStore, PutMode, Writing};
use serde::Serialize;

use super::home::Open;
use super::place::{FOLDER, Place};
use crate::output::Output;
use crate::progress::counter;
use crate::trouble::Trouble;

/// Keys of one listing: a folder is read whole for each, so that small ones would be many.
const PAGE: usize = 20_000;
/// After how many objects it is written down how far the move has come.
const STEP: usize = 500;
/// Objects under way at once.
const AT_ONCE: usize = 8;
/// What is under these never changes once it is there: another object of the same key is another home's.
const FIXED: [&str; 2] = ["images/", "models/"];
/// What belongs to the home that it is in: the places of moves, and what its courier has to tell MLflow.
const STAYS: [&str; 2] = [FOLDER, "tracking/"];

/// What became of all objects.
#[derive(Default, Serialize)]
pub(super) struct Objects {
    /// All that there are: they are the same in both.
    pub(super) seen: u64,
    /// Those of them that had to be copied.
    pub(super) copied: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Copies what is missing or different, and reads what was written back. What is behind the place was compared before:
/// of that it is enough that it is still there, of its size.
pub(super) async fn copy(from: &Open, to: &Open, place: &mut Place, output: Output) -> Result<Objects, Trouble> {
    let (from, to) = (&*from.objects, &*to.objects);
    let mut done = Objects::default();
    let progress = counter(output, "objects");
    let mut there = Sizes { listed: listed(to), next: None };
    let mut steps = listed(from).try_chunks(STEP);
    while let Some(step) = steps.try_next().await.map_err(|TryChunksError(_, error)| error)? {
        let last = step.last().map(|meta| meta.key.clone());
        let mut wanted = Vec::new();
        for meta in step.into_iter().filter(|meta| !is_under(&STAYS, &meta.key)) {
            done.seen += 1;
            if place.is_behind(&meta.key) && there.of(&meta.key).await? == Some(meta.size) {
                progress.inc(1);
            } else {
                wanted.push(meta);
            }
        }
        let mut copying = stream::iter(wanted).map(|meta| copy_one(from, to, meta)).buffer_unordered(AT_ONCE);
        while let Some(bytes) = copying.try_next().await? {
            progress.inc(1);
            done.copied += u64::from(bytes.is_some());
            done.bytes += bytes.unwrap_or_default();
        }
        if let Some(last) = last {
            place.reach_object(&last).await?;
        }
    }
    progress.finish_and_clear();
    Ok(done)
}

/// All objects of a store, in order of their keys.
fn listed(objects: &dyn ObjectStore) -> BoxStream<'_, Result<Meta, Error>> {
    let pages = stream::try_unfold(None, move |after: Option<Key>| async move {
        let page = objects.list("", after.as_ref(), PAGE).await?;
        let last = page.last().map(|meta| meta.key.clone());
        Ok::<_, Error>(last.map(|last| (stream::iter(page).map(Ok::<_, Error>), Some(last))))
    });
    pages.try_flatten().boxed()
}

/// The sizes of a store's objects, asked for in order of their keys.
struct Sizes<'a> {
    listed: BoxStream<'a, Result<Meta, Error>>,
    /// The first object that is not before the key that was asked for last.
    next: Option<Meta>,
}

impl Sizes<'_> {
    /// An object's size, if it is there.
    async fn of(&mut self, key: &Key) -> Result<Option<u64>, Error> {
        while self.next.as_ref().is_none_or(|next| next.key < *key) {
            self.next = self.listed.try_next().await?;
            if self.next.is_none() {
                return Ok(None);
            }
        }
        Ok(self.next.as_ref().filter(|next| next.key == *key).map(|next| next.size))
    }
}

fn is_under(prefixes: &[&str], key: &Key) -> bool {
    prefixes.iter().any(|prefix| key.as_str().starts_with(prefix))
}

/// Sees to it that an object is the same in both; the bytes that were copied, if they had to be.
async fn copy_one(from: &dyn ObjectStore, to: &dyn ObjectStore, meta: Meta) -> Result<Option<u64>, Trouble> {
    let key = &meta.key;
    let wanted = digest(from, key).await?.ok_or_else(|| Error::NotFound { key: key.clone() })?;
    match digest(to, key).await? {
        Some(found) if found == wanted => return Ok(None),
        Some(_) if is_under(&FIXED, key) => {
            return Err(Trouble::Found(format!(
                "another object `{key}` is there already: move into an empty home, or into the one where the move began"
            )));
        }
        _ => {}
    }
    let writing = Writing::from(from.get_stream(key).await?);
    let bytes = to.put_stream(key, writing, PutMode::Overwrite).await?;
    if digest(to, key).await? == Some(wanted) {
        return Ok(Some(bytes));
    }
    Err(Trouble::Found(format!("object `{key}` did not arrive as it was sent: run the same command again")))
}

/// The digest of an object's bytes, if it is there.
async fn digest(objects: &dyn ObjectStore, key: &Key) -> Result<Option<Digest>, Failure> {
    let mut reading = match objects.get_stream(key).await {
        Ok(reading) => reading,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut digester = Digester::default();
    while let Some(piece) = reading.bytes.try_next().await? {
        digester.update(&piece);
    }
    Ok(Some(digester.finish()))
}
