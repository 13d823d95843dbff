//! Logging predictions, in the batches that predict's log writes.

use std::time::Instant;

use anyhow::Result;
use indicatif::ProgressBar;
use pappus_catalog::SharedCatalog;
use pappus_domain::Prediction;
use tokio::task::JoinSet;

use super::log::Log;
use super::store::Place;

/// The most predictions that predict's log writes at once: `functions/predict/src/log.rs`.
const BATCH: usize = 512;

/// Logs all predictions, and makes each batch when its turn comes.
pub(super) async fn fill(catalog: &SharedCatalog, log: &Log, bar: &ProgressBar) -> Result<()> {
    let numbers: Vec<u64> = (0..log.rows).collect();
    for numbers in numbers.chunks(BATCH) {
        let batch = numbers.iter().map(|number| log.prediction(*number)).collect::<Result<Vec<_>>>()?;
        catalog.log_predictions(&batch).await?;
        bar.inc(batch.len() as u64);
    }
    catalog.close().await;
    Ok(())
}

/// Rows a second where several log at once, each with connections of its own, as processes have. Predictions are dealt
/// out one by one, as load balancers deal requests.
pub(super) async fn rate(place: &Place, writers: usize, log: &Log, bar: &ProgressBar) -> Result<f64> {
    let predictions = (0..log.rows).map(|number| log.prediction(number)).collect::<Result<Vec<_>>>()?;
    let mut opened = Vec::new();
    for writer in 0..writers {
        let catalog = place.open().await?;
        catalog.check().await?;
        let dealt: Vec<Prediction> = predictions.iter().skip(writer).step_by(writers).cloned().collect();
        opened.push((catalog, dealt));
    }
    let begun = Instant::now();
    let mut writing: JoinSet<Result<()>> = JoinSet::new();
    for (catalog, dealt) in opened {
        writing.spawn(write(catalog, dealt, bar.clone()));
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    Ok(log.rows as f64 / begun.elapsed().as_secs_f64())
}

async fn write(catalog: SharedCatalog, predictions: Vec<Prediction>, bar: ProgressBar) -> Result<()> {
    for batch in predictions.chunks(BATCH) {
        catalog.log_predictions(batch).await?;
        bar.inc(batch.len() as u64);
    }
    catalog.close().await;
    Ok(())
}
