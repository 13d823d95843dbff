//! Predictions that wait on disk while the catalog is away: one file a batch, complete or absent, oldest first.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pappus_domain::Prediction;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

/// What may wait. A prediction of two classes takes about 400 bytes.
const ROOM: u64 = 64 << 20;
const WHOLE: &str = "jsonl";
const PART: &str = "part";
/// The longest that a part is written.
const AT_WORK: Duration = Duration::from_secs(60);

/// The folder of what waits. Two processes may share it: what both write to the catalog is there once.
#[derive(Debug)]
pub(crate) struct Spill {
    folder: PathBuf,
    files: VecDeque<(PathBuf, u64)>,
}

impl Spill {
    /// Finds what an earlier process left.
    pub(crate) async fn open(folder: PathBuf) -> Self {
        let files = find(&folder).await.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(error = &error as &dyn std::error::Error, ?folder, "the folder cannot be read");
            }
            VecDeque::new()
        });
        Self { folder, files }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Keeps a batch, durably.
    ///
    /// # Errors
    /// Of the disk; [`io::ErrorKind::QuotaExceeded`] where as much waits as may.
    pub(crate) async fn keep(&mut self, batch: &[Prediction]) -> io::Result<()> {
        let mut lines = Vec::new();
        for prediction in batch {
            serde_json::to_writer(&mut lines, prediction)?;
            lines.push(b'\n');
        }
        let size = lines.len() as u64;
        if self.files.iter().map(|(_, size)| size).sum::<u64>() + size > ROOM {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "as many predictions wait as may"));
        }
        fs::create_dir_all(&self.folder).await?;
        // Names begin with the time, so they are in order; and none comes twice, as ids may.
        let path = self.folder.join(Uuid::now_v7().to_string()).with_extension(WHOLE);
        write_whole(&path, &lines).await?;
        self.files.push_back((path, size));
        Ok(())
    }

    /// The oldest batch, if any waits. One that cannot be read is set aside.
    pub(crate) async fn oldest(&mut self) -> Option<Vec<Prediction>> {
        while let Some((path, _)) = self.files.front() {
            match read(path).await {
                Ok(batch) => return Some(batch),
                // Another process has written it to the catalog.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        ?path,
                        "a batch of predictions is damaged"
                    );
                    let _ = fs::rename(path, path.with_extension("damaged")).await;
                }
            }
            self.files.pop_front();
        }
        None
    }

    /// Forgets the oldest batch: it is in the catalog.
    pub(crate) async fn forget_oldest(&mut self) {
        let Some((path, _)) = self.files.pop_front() else { return };
        if let Err(error) = fs::remove_file(&path).await {
            // It is written to the catalog once more after the next start, which changes nothing.
            tracing::debug!(error = &error as &dyn std::error::Error, ?path, "a batch cannot be removed");
        }
    }
}

async fn find(folder: &Path) -> io::Result<VecDeque<(PathBuf, u64)>> {
    let mut entries = fs::read_dir(folder).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        // Another process may have written or forgotten it meanwhile.
        let Ok(metadata) = entry.metadata().await else { continue };
        match path.extension().and_then(OsStr::to_str) {
            Some(WHOLE) => files.push((path, metadata.len())),
            Some(PART) if is_left(&metadata) => _ = fs::remove_file(&path).await,
            _ => {}
        }
    }
    files.sort();
    Ok(files.into())
}

/// Whether a part is of a process that was killed, and not one that another is writing.
fn is_left(part: &Metadata) -> bool {
    part.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > AT_WORK))
}

async fn read(path: &Path) -> io::Result<Vec<Prediction>> {
    let lines = fs::read(path).await?;
    let predictions = serde_json::Deserializer::from_slice(&lines).into_iter();
    Ok(predictions.collect::<Result<_, _>>()?)
}

/// Writes a file that is there whole or not at all.
async fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension(PART);
    let written = write_by_way_of(&part, path, bytes).await;
    if written.is_err() {
        // The next attempt has another name: what is left of this one would only take room.
        for left in [&part, path] {
            let _ = fs::remove_file(left).await;
        }
    }
    written
}

async fn write_by_way_of(part: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(part).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    fs::rename(part, path).await?;
    // The name is to outlive a power cut too.
    fs::File::open(path.parent().unwrap_or(path)).await?.sync_all().await
}
