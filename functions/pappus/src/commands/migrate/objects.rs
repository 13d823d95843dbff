//! Objects, copied and compared by the digest of their bytes.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use pappus_domain::digest::{Digest, Digester};
use pappus_host::Failure;
use pappus_objects::{Error, Key, Meta, ObjectStore, PutMode, Writing};
use serde::Serialize;

use super::home::Open;
use super::place::{FOLDER, Place};
use crate::output::Output;
use crate::progress::bar;
use crate::trouble::Trouble;

/// Keys of one listing, and after how many it is written down how far the move has come.
const PAGE: usize = 500;
/// Objects under way at once.
const AT_ONCE: usize = 8;
/// What is under these never changes once it is there: another object of the same key is another home's.
const FIXED: [&str; 2] = ["images/", "models/"];

/// What became of all objects.
#[derive(Default, Serialize)]
pub(super) struct Objects {
    /// Those that were looked at: they are the same in both.
    pub(super) seen: u64,
    /// Those of them that had to be copied.
    pub(super) copied: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Copies what is missing or different, and reads what was written back.
pub(super) async fn copy(from: &Open, to: &Open, place: &mut Place, output: Output) -> Result<Objects, Trouble> {
    let mut done = Objects::default();
    let progress = bar(output, "objects", count(&*from.objects, place.object()).await?);
    let mut after = place.object();
    loop {
        let page = from.objects.list("", after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        let last = last.key.clone();
        let wanted = page.into_iter().filter(|meta| !meta.key.as_str().starts_with(FOLDER));
        let copying = stream::iter(wanted).map(|meta| copy_one(&*from.objects, &*to.objects, meta));
        let mut copying = copying.buffer_unordered(AT_ONCE);
        while let Some(bytes) = copying.try_next().await? {
            progress.inc(1);
            done.seen += 1;
            done.copied += u64::from(bytes.is_some());
            done.bytes += bytes.unwrap_or_default();
        }
        place.reach_object(&last).await?;
        after = Some(last);
    }
    progress.finish_and_clear();
    Ok(done)
}

async fn count(objects: &dyn ObjectStore, mut after: Option<Key>) -> Result<u64, Trouble> {
    let mut count = 0;
    loop {
        let page = objects.list("", after.as_ref(), PAGE).await?;
        count += page.len() as u64;
        match page.into_iter().next_back() {
            Some(meta) => after = Some(meta.key),
            None => return Ok(count),
        }
    }
}

/// Sees to it that an object is the same in both; the bytes that were copied, if they had to be.
async fn copy_one(from: &dyn ObjectStore, to: &dyn ObjectStore, meta: Meta) -> Result<Option<u64>, Trouble> {
    let key = &meta.key;
    let wanted = digest(from, key).await?.ok_or_else(|| Error::NotFound { key: key.clone() })?;
    match digest(to, key).await? {
        Some(found) if found == wanted => return Ok(None),
        Some(_) if FIXED.iter().any(|prefix| key.as_str().starts_with(prefix)) => {
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
