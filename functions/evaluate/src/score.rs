//! A model's answers to the test images, and how long each took.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_domain::image::Label;
use pappus_domain::stats::Answer;
use pappus_domain::{DataSetEntry, Image};
use pappus_inference::{Classifier, Limits, Package};
use pappus_objects::{Key, Objects};
use tokio::task::spawn_blocking;

use crate::error::Error;

/// The most bytes of a stored image: what ingest lets in.
pub(crate) const MAX_IMAGE_BYTES: u64 = 64 << 20;

/// A model's answers, in the order of the images.
pub(crate) struct Scores {
    pub(crate) answers: Vec<Answer>,
    /// From the bytes to the answer, one request at a time, in microseconds; of the first images only.
    pub(crate) latencies: Vec<u64>,
}

/// Images whose latency is measured: enough for a median.
const TIMED: usize = 50;

/// Asks a model about images. Its answers are given over `classes`: a class that it never learned has probability 0.
pub(crate) async fn score(
    objects: &Objects,
    package: Package,
    classes: &[Label],
    images: &[DataSetEntry],
    progress: impl Fn(u64),
) -> Result<Scores, Error> {
    let version = package.manifest.version.clone();
    let failed = |source| Error::Model { version: version.clone(), source };
    let workers = available_parallelism().map_or(1, usize::from);
    let classifier = spawn_blocking(move || Classifier::start(package, workers)).await?.map_err(failed)?;
    let classifier = Arc::new(classifier);
    let latencies = time(&classifier, objects, &images[..images.len().min(TIMED)]).await?;
    let mut answers = Vec::with_capacity(images.len());
    let mut running = stream::iter(images.to_vec())
        .map(|entry| {
            let (classifier, objects) = (classifier.clone(), objects.clone());
            async move {
                let image = read(&objects, &entry).await?;
                let probabilities = ask(&classifier, &entry, image).await?;
                Ok::<_, Error>((entry, probabilities))
            }
        })
        .buffered(2 * workers);
    let learned = &classifier.manifest().classes;
    while let Some((entry, probabilities)) = running.try_next().await? {
        // The classes are those of the data set that the images are of.
        let truth = classes.iter().position(|class| *class == entry.label).unwrap_or(0);
        answers.push(Answer { truth, probabilities: over(classes, learned, &probabilities) });
        progress(answers.len() as u64);
    }
    drop(running);
    Ok(Scores { answers, latencies })
}

async fn time(classifier: &Classifier, objects: &Objects, images: &[DataSetEntry]) -> Result<Vec<u64>, Error> {
    let mut latencies = Vec::with_capacity(images.len());
    for entry in images {
        let image = read(objects, entry).await?;
        let begun = Instant::now();
        ask(classifier, entry, image).await?;
        latencies.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(latencies)
}

pub(crate) async fn read(objects: &Objects, entry: &DataSetEntry) -> Result<Bytes, Error> {
    let key: Key = Image::object_key(&entry.image).parse()?;
    Ok(objects.get(&key, MAX_IMAGE_BYTES).await?)
}

async fn ask(classifier: &Classifier, entry: &DataSetEntry, image: Bytes) -> Result<Vec<f32>, Error> {
    let limits = Limits { bytes: MAX_IMAGE_BYTES, ..Limits::default() };
    let answered = classifier.classify(image, limits).await.map_err(|source| {
        let version = classifier.manifest().version.clone();
        Error::Classify { version, image: entry.image, source }
    })?;
    Ok(answered.probabilities)
}

/// Probabilities over the classes that a model learned, as probabilities over others.
fn over(classes: &[Label], learned: &[Label], probabilities: &[f32]) -> Vec<f32> {
    let of =
        |class: &Label| learned.iter().zip(probabilities).find(|(other, _)| *other == class).map_or(0.0, |(_, p)| *p);
    let shared: Vec<f32> = classes.iter().map(of).collect();
    let sum: f32 = shared.iter().sum();
    // A model that shares no class with the images knows nothing about them.
    if sum <= 0.0 { vec![1.0 / classes.len() as f32; classes.len()] } else { shared.iter().map(|p| p / sum).collect() }
}
