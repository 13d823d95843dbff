//! Predictions reach the catalog, behind the answers.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{has_runtime, post, post_form, red, serving, stores};
use pappus_catalog::contract::samples;
use pappus_domain::Digest;
use pappus_predict::PredictionLog;
use prometheus_client::metrics::counter::Counter;

#[tokio::test]
async fn predictions_are_in_the_catalog_after_a_flush() {
    if !has_runtime() {
        return;
    }
    let (stores, app, version) = serving().await;
    let (_, answer) = post(&app, "/predict", "image/jpeg", red()).await;
    post_form(&app, "/predict/batch", &[("files", "a.jpg", &red()), ("files", "b.jpg", b"no image")]).await;
    app.on_event.as_ref().unwrap().flush().await;
    let id = answer["request_id"].as_str().unwrap().parse().unwrap();
    let logged = stores.context.catalog.prediction(&id).await.unwrap().unwrap();
    assert_eq!((logged.version, logged.class.as_str()), (version, "red"));
    assert_eq!((logged.image, logged.source.as_str()), (Digest::of(&red()), "http"));
    assert_eq!(stores.context.catalog.prediction_count().await.unwrap(), 2, "a refusal is no prediction");
}

#[tokio::test]
async fn a_full_log_counts_what_it_drops_and_writes_the_rest() {
    let stores = stores().await;
    let dropped = Counter::default();
    let log = PredictionLog::start(stores.context.catalog.clone(), dropped.clone());
    // Nothing is written meanwhile: this test is the one thread there is.
    for number in 0..10_003 {
        log.log(samples::prediction(number, 0));
    }
    assert_eq!(dropped.get(), 3);
    log.flush().await;
    assert_eq!(stores.context.catalog.prediction_count().await.unwrap(), 10_000);
    log.log(samples::prediction(10_001, 0));
    log.flush().await;
    assert_eq!(stores.context.catalog.prediction_count().await.unwrap(), 10_001, "there is room again");
    assert_eq!(dropped.get(), 3);
}
