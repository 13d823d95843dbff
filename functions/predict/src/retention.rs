//! Predictions, and the images that they are of, are kept for as long as the settings say.

use std::sync::Weak;
use std::time::Duration;

use pappus_catalog::Predictions;
use pappus_domain::{Feedback, Timestamp};
use pappus_host::Failure;
use pappus_objects::ObjectStore;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::Predict;

/// How soon after the start it is looked for what is too old, and how often then.
const FIRST: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(3600);
/// The most that are removed at once, and the time left to others before the next.
const BATCH: usize = 1000;
const PAUSE: Duration = Duration::from_millis(100);

/// Removes predictions once they are older than `days`, for as long as the function lives.
pub(crate) async fn keep_for(days: u32, predict: Weak<Predict>) {
    let mut tick = interval_at(Instant::now() + FIRST, LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(predict) = predict.upgrade() else { return };
        let age = Duration::from_hours(24 * u64::from(days));
        let Ok(before) = Timestamp::now().checked_sub(age) else { continue };
        match forget(&*predict.context.catalog, before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, days, "predictions removed that were too old"),
            Err(error) => tracing::warn!(failure = %Failure::from(error), "old predictions could not be removed"),
        }
        match forget_images(&*predict.context.objects, before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, days, "kept images removed that were too old"),
            Err(error) => tracing::warn!(failure = %Failure::from(error), "old images could not be removed"),
        }
    }
}

/// Removes the images of predictions that were made on a day before that of some moment, and says how many.
pub(crate) async fn forget_images(objects: &dyn ObjectStore, before: Timestamp) -> Result<u64, pappus_objects::Error> {
    let (end, mut removed) = (Feedback::kept_since(before), 0);
    loop {
        let oldest = objects.list(Feedback::KEPT, None, BATCH).await?;
        let old: Vec<_> = oldest.iter().take_while(|image| *image.key.as_str() < *end).collect();
        for image in &old {
            objects.delete(&image.key).await?;
        }
        removed += old.len() as u64;
        if old.len() < BATCH {
            return Ok(removed);
        }
        sleep(PAUSE).await;
    }
}

/// Removes all predictions made before some moment, a batch after the other, and says how many.
pub(crate) async fn forget(catalog: &dyn Predictions, before: Timestamp) -> Result<u64, pappus_catalog::Error> {
    let mut removed = 0;
    loop {
        let count = catalog.delete_predictions(before, BATCH).await?;
        removed += count;
        if count < BATCH as u64 {
            return Ok(removed);
        }
        sleep(PAUSE).await;
    }
}
