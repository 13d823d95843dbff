//! Objects as artifacts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use futures::StreamExt as _;
use pappus_objects::{Meta, Objects};
use tokio::sync::mpsc;

use super::{MODEL, Teller};
use crate::error::Error;
use crate::mlflow::{ArtifactRoot, TrackedRun, Upload};

/// Objects that are listed at once.
const PAGE: usize = 1000;
/// The pieces of an object that are in memory at once.
const AHEAD: usize = 2;

impl Teller {
    /// Sends the files of a package that are not there yet. They never change: one of the same size is the same. Returns
    /// those that were there, by path, with their sizes.
    pub(super) async fn send_package(
        &self,
        run: &TrackedRun,
        root: &ArtifactRoot,
        prefix: &str,
    ) -> Result<BTreeMap<String, u64>, Error> {
        let files = self.files(prefix, MODEL).await?;
        let folders: BTreeSet<&str> = files.keys().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
        let mut there = BTreeMap::new();
        for folder in folders {
            there.extend(self.mlflow.artifacts(run, folder).await?);
        }
        for (path, object) in files.iter().filter(|(path, object)| there.get(*path) != Some(&object.size)) {
            self.send(root, path, object).await?;
        }
        Ok(there)
    }

    /// Sends every file below a prefix, also over those that are there.
    pub(super) async fn send_all(&self, root: &ArtifactRoot, prefix: &str, folder: &str) -> Result<(), Error> {
        for (path, object) in &self.files(prefix, folder).await? {
            self.send(root, path, object).await?;
        }
        Ok(())
    }

    /// The objects below a prefix, by their paths below a folder.
    async fn files(&self, prefix: &str, folder: &str) -> Result<BTreeMap<String, Meta>, Error> {
        let (mut all, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.objects.list(prefix, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(last.key.clone());
            let paths = page.into_iter().map(|meta| (format!("{folder}/{}", &meta.key.as_str()[prefix.len()..]), meta));
            all.extend(paths);
        }
    }

    async fn send(&self, root: &ArtifactRoot, path: &str, object: &Meta) -> Result<(), Error> {
        let (pieces, bytes) = mpsc::channel(AHEAD);
        let upload = Upload {
            size: object.size,
            bytes: Box::new(Pieces { pieces: bytes, piece: Bytes::new(), left: object.size }),
        };
        let reading = read(self.objects.clone(), object, pieces);
        let (read, sent) = tokio::join!(reading, self.mlflow.upload(root, path, upload));
        // Where the object could not be read, the upload was cut off by us.
        read.and(sent)
    }
}

/// Hands an object on, piece by piece, to where it is sent from. What has ended early there says so itself.
async fn read(objects: Objects, object: &Meta, pieces: mpsc::Sender<Bytes>) -> Result<(), Error> {
    let mut reading = objects.get_stream(&object.key).await?;
    while let Some(piece) = reading.bytes.next().await {
        if pieces.send(piece?).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// An object on a thread that waits for its pieces. Where nobody reads the object any more it fails, and with it the
/// upload.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    /// Bytes to come.
    left: u64,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && self.left > 0 {
            let piece = self.pieces.blocking_recv();
            self.piece = piece.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            self.left = self.left.saturating_sub(self.piece.len() as u64);
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
