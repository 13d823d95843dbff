//! The plots of an evaluation, beside its report. Nothing is decided by them, so what keeps one from being drawn keeps
//! nothing else: it is logged, and the plot is not there.

use std::sync::Arc;

use bytes::Bytes;
use pappus_domain::DataSetEntry;
use pappus_domain::stats::{Answer, Mistake};
use pappus_domain::verdict::Evaluation;
use pappus_inference::{Limits, decode, resize};
use pappus_objects::{Key, Objects, PutMode};
use pappus_plots::{Drawing, EvaluationPlot, Findings, MISTAKES, Thumbnail, Tile};
use tokio::task::spawn_blocking;

use crate::score::{MAX_IMAGE_BYTES, read};

/// Why a plot is not there.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error(transparent)]
    Plot(#[from] pappus_plots::Error),
    #[error("the drawing was stopped")]
    Stopped(#[from] tokio::task::JoinError),
    #[error("the plot cannot be stored")]
    Objects(#[from] pappus_objects::Error),
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
}

/// Draws the plots of an evaluation, whose `answers` are to `images` in their order, and stores them in the place of those
/// of an earlier one. One at a time, for each takes memory.
pub(crate) async fn plot(objects: &Objects, evaluation: Evaluation, answers: Vec<Answer>, images: &[DataSetEntry]) {
    let mut tiles = Vec::new();
    for mistake in Mistake::surest(&answers, MISTAKES) {
        let Some(entry) = images.get(mistake.answer) else { continue };
        tiles.push(Tile { mistake, image: entry.image, thumbnail: thumbnail(objects, entry).await });
    }
    let findings = Arc::new(Findings { evaluation, answers, tiles });
    for plot in EvaluationPlot::ALL {
        if let Err(error) = store(objects, &findings, plot).await {
            let (name, version) = (plot.name(), &findings.evaluation.version);
            tracing::warn!(plot = name, %version, error = &error as &dyn std::error::Error, "a plot is missing");
            remove(objects, &findings.evaluation, plot).await;
        }
    }
}

fn key(evaluation: &Evaluation, plot: EvaluationPlot, ending: &str) -> Result<Key, Missing> {
    Ok(evaluation.object_key(&format!("{}.{ending}", plot.name())).parse()?)
}

async fn store(objects: &Objects, findings: &Arc<Findings>, plot: EvaluationPlot) -> Result<(), Missing> {
    let shown = findings.clone();
    let Drawing { svg, png } = spawn_blocking(move || plot.draw(&shown)).await??;
    for (ending, bytes) in [("svg", svg.into_bytes()), ("png", png)] {
        let key = key(&findings.evaluation, plot, ending)?;
        objects.put(&key, bytes.into(), PutMode::Overwrite).await?;
    }
    Ok(())
}

/// Removes what an earlier evaluation left: it would be taken for this one's.
async fn remove(objects: &Objects, evaluation: &Evaluation, plot: EvaluationPlot) {
    for ending in ["svg", "png"] {
        let Ok(key) = key(evaluation, plot, ending) else { continue };
        if let Err(error) = objects.delete(&key).await {
            tracing::warn!(%key, error = &error as &dyn std::error::Error, "an old plot may still be there");
        }
    }
}

/// The small picture of an image, if it can be had.
async fn thumbnail(objects: &Objects, entry: &DataSetEntry) -> Option<Thumbnail> {
    let bytes = read(objects, entry).await.ok()?;
    spawn_blocking(move || shrink(&bytes)).await.ok()?
}

fn shrink(image: &Bytes) -> Option<Thumbnail> {
    let limits = Limits { bytes: MAX_IMAGE_BYTES, ..Limits::default() };
    let pixels = decode(image, &limits).ok()?;
    let (width, height) = Thumbnail::size(pixels.width, pixels.height);
    Thumbnail::new(width, height, resize(&pixels, width, height).ok()?)
}
