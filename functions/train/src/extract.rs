//! Images through a feature network, on all cores, with what an earlier training computed taken from the cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::available_parallelism;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_domain::{DataSetEntry, Digest};
use pappus_inference::{FEATURES, Network, Runtime};
use pappus_learning::{Extractor, Matrix};
use pappus_objects::Objects;
use tokio::task::spawn_blocking;

use crate::cache::{FeatureCache, Rows};
use crate::error::Error;
use crate::pixels::{mirror, pixels, read};

/// Images whose features make one segment of the cache: what a training that is cut off loses.
const SEGMENT: usize = 256;

/// A feature network, loaded once for each core.
pub(crate) struct Extraction {
    objects: Objects,
    extractor: Digest,
    idle: (Sender<Network>, Receiver<Network>),
    workers: usize,
    mirrored: bool,
    cached: bool,
}

impl Extraction {
    /// Loads the network.
    pub(crate) async fn new(objects: Objects, extractor: &Extractor) -> Result<Self, Error> {
        let workers = available_parallelism().map_or(1, usize::from);
        let idle = bounded(workers);
        let onnx = Arc::new(extractor.onnx.clone());
        let loading = (0..workers).map(|_| {
            let onnx = onnx.clone();
            spawn_blocking(move || Network::load(&Runtime::load()?, &onnx))
        });
        for network in loading.collect::<Vec<_>>() {
            // There is room for each of them, and the other end is here.
            let _ = idle.0.send(network.await??);
        }
        let extractor = Digest::of(&extractor.onnx);
        Ok(Self { objects, extractor, idle, workers, mirrored: false, cached: false })
    }

    /// Whether each image has two views: itself, and its mirror image.
    pub(crate) fn mirrored(self, mirrored: bool) -> Self {
        Self { mirrored, ..self }
    }

    /// Whether features are kept for later trainings, and looked for among those of earlier ones.
    pub(crate) fn cached(self, cached: bool) -> Self {
        Self { cached, ..self }
    }

    /// Views of each image.
    pub(crate) const fn views(&self) -> usize {
        if self.mirrored { 2 } else { 1 }
    }

    /// The features of images, `views` rows for each, in their order. `progress` is told how many images are done.
    pub(crate) async fn features(&self, images: &[DataSetEntry], progress: impl Fn(u64)) -> Result<Matrix, Error> {
        let cache = self.cached.then(|| FeatureCache::new(&*self.objects, &self.extractor, self.views()));
        let mut known = match &cache {
            Some(cache) => cache.load().await,
            None => HashMap::new(),
        };
        known.retain(|_, rows| rows.iter().all(|number| number.is_finite()));
        let missing: Vec<DataSetEntry> = images.iter().filter(|e| !known.contains_key(&e.image)).cloned().collect();
        let before = (images.len() - missing.len()) as u64;
        progress(before);
        let mut done = before;
        for chunk in missing.chunks(SEGMENT) {
            let mut computed = Vec::with_capacity(chunk.len());
            let mut running = stream::iter(chunk.to_vec()).map(|entry| self.one(entry)).buffered(2 * self.workers);
            while let Some(image) = running.try_next().await? {
                computed.push(image);
                done += 1;
                progress(done);
            }
            drop(running);
            if let Some(cache) = &cache {
                cache.add(&computed).await;
            }
            known.extend(computed);
        }
        self.matrix(images, &known)
    }

    async fn one(&self, entry: DataSetEntry) -> Result<(Digest, Rows), Error> {
        let bytes = read(&*self.objects, &entry).await?;
        let (idle, image, mirrored) = (self.idle.clone(), entry.image, self.mirrored);
        let rows = spawn_blocking(move || {
            // A network is always given back, below, so one becomes idle sooner or later.
            let Ok(mut network) = idle.1.recv() else { return Ok(Rows::new()) };
            let rows = run(&mut network, image, &bytes, mirrored);
            let _ = idle.0.send(network);
            rows
        });
        Ok((image, rows.await??))
    }

    fn matrix(&self, images: &[DataSetEntry], known: &HashMap<Digest, Rows>) -> Result<Matrix, Error> {
        let mut data = Vec::new();
        for rows in images.iter().filter_map(|entry| known.get(&entry.image)) {
            data.extend_from_slice(rows);
        }
        let rows = images.len() * self.views();
        let columns = data.len().checked_div(rows).unwrap_or(0);
        Ok(Matrix::new(rows, columns, data)?)
    }
}

fn run(network: &mut Network, image: Digest, bytes: &Bytes, mirrored: bool) -> Result<Rows, Error> {
    let (width, height) = (network.width(), network.height());
    let upright = pixels(image, bytes, width, height)?;
    let mut rows = network.run(&upright, 1, FEATURES)?;
    if mirrored {
        rows.extend(network.run(&mirror(&upright, width), 1, FEATURES)?);
    }
    Ok(rows)
}
