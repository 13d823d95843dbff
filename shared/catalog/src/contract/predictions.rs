//! The prediction log.

use pappus_domain::Prediction;

use super::samples::prediction;
use crate::{Catalog, Error};

pub(super) async fn suite(catalog: &dyn Catalog) {
    catalog.log_predictions(&[]).await.expect("nothing to log is no error");
    let [first, second, third] = [prediction(1, 1), prediction(2, 2), prediction(3, 2)];
    assert_eq!(catalog.prediction(&first.id).await.expect("a prediction can be asked for"), None);
    catalog.log_predictions(&[third.clone(), first.clone()]).await.expect("predictions can be logged");
    let changed = Prediction { latency_us: 0, ..first.clone() };
    catalog.log_predictions(&[changed, second.clone()]).await.expect("a known prediction is no error");
    assert_eq!(
        catalog.prediction(&first.id).await.expect("a prediction can be asked for").as_ref(),
        Some(&first),
        "a known prediction is left as it is"
    );
    let recent = catalog.recent_predictions(2).await.expect("predictions can be listed");
    assert_eq!(recent, [third, second], "the last, newest first, by id where the times are equal");
    assert_eq!(catalog.prediction_count().await.expect("predictions can be counted"), 3);
    refuses_what_is_no_number(catalog).await;
}

async fn refuses_what_is_no_number(catalog: &dyn Catalog) {
    let mut bad = prediction(4, 4);
    bad.probabilities.values_mut().for_each(|probability| *probability = f32::NAN);
    let refused = catalog.log_predictions(&[prediction(5, 5), bad]).await;
    assert!(matches!(refused, Err(Error::Unwritable { .. })), "{refused:?}");
    let count = catalog.prediction_count().await.expect("predictions can be counted");
    assert_eq!(count, 3, "all of a batch is logged or nothing");
}
