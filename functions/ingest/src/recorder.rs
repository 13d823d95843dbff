//! What was taken in becomes rows of the catalog, many in one transaction.

use pappus_catalog::{OnConflict, Recorded, SharedCatalog, SourceStatus};
use pappus_domain::{Image, ImageStatus};
use tokio::sync::mpsc::Receiver;

use crate::error::Error;
use crate::intake::Taken;
use crate::summary::{Fate, Outcome, Summary};

/// The most images of one transaction.
const BATCH: usize = 256;

/// Records what comes until no more does; `progress` is told how many have been recorded.
pub(crate) async fn record(
    catalog: SharedCatalog,
    mut taken: Receiver<Taken>,
    on_conflict: OnConflict,
    progress: impl Fn(u64) + Send,
) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut batch = Vec::with_capacity(BATCH);
    while taken.recv_many(&mut batch, BATCH).await > 0 {
        let images: Vec<Image> = batch.iter().filter_map(|taken| taken.image.as_ref().ok().cloned()).collect();
        let mut recorded = catalog.record_images(&images, on_conflict).await?.into_iter();
        for Taken { candidate, image } in batch.drain(..) {
            let outcome = match image {
                Err(reason) => {
                    Outcome { origin: candidate.origin.clone(), image: None, fate: Fate::Unreadable { reason } }
                }
                Ok(image) => {
                    // One answer an image, in order: the port promises it.
                    let fate = recorded.next().map_or(Fate::Duplicate, |recorded| fate(&image, recorded));
                    Outcome { origin: candidate.origin.clone(), image: Some(image.id), fate }
                }
            };
            if let Some(url) = candidate.unsettled(outcome.image) {
                catalog.settle_source(url, &settled(&outcome)).await?;
            }
            summary.count(outcome, candidate.label.is_some());
        }
        progress(summary.seen);
    }
    Ok(summary)
}

fn fate(image: &Image, recorded: Recorded) -> Fate {
    match (&image.status, recorded) {
        (ImageStatus::Quarantined { reason }, _) => Fate::Quarantined { reason: reason.clone() },
        (_, Recorded::New) => Fate::Stored,
        (_, Recorded::Known) => Fate::Duplicate,
        (_, Recorded::Updated) => Fate::Relabelled,
        (_, Recorded::Conflict(kept)) => Fate::Conflict { kept },
    }
}

fn settled(outcome: &Outcome) -> SourceStatus {
    match (&outcome.fate, outcome.image) {
        (Fate::Quarantined { reason } | Fate::Unreadable { reason }, _) => {
            SourceStatus::Failed { reason: reason.clone() }
        }
        (_, Some(image)) => SourceStatus::Stored { image },
        (_, None) => SourceStatus::Failed { reason: "it could not be read".into() },
    }
}
