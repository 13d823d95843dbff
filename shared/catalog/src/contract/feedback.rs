//! The true labels of predictions.

use pappus_domain::Feedback;

use super::samples::{feedback, name, time, version};
use crate::Catalog;

pub(super) async fn suite(catalog: &dyn Catalog) {
    the_later_word_stands(catalog).await;
    lists_the_newest_of_a_version(catalog).await;
}

async fn record(catalog: &dyn Catalog, told: &Feedback) {
    catalog.record_feedback(told).await.expect("a true label can be recorded");
}

async fn the_later_word_stands(catalog: &dyn Catalog) {
    let first = feedback(1, "cat", 10);
    let get = async || catalog.feedback(&first.prediction).await.expect("it can be asked for");
    assert_eq!(get().await, None);
    record(catalog, &first).await;
    assert_eq!(get().await.as_ref(), Some(&first));
    let later = Feedback { label: name("dog"), at: time(100), ..first.clone() };
    for told in [&later, &first, &later] {
        record(catalog, told).await;
        assert_eq!(get().await.as_ref(), Some(&later), "in whatever order they come");
    }
    let corrected = Feedback { label: name("cat"), ..later };
    record(catalog, &corrected).await;
    assert_eq!(get().await, Some(corrected), "of two words of one moment that which comes last");
}

async fn lists_the_newest_of_a_version(catalog: &dyn Catalog) {
    for (number, seconds) in [(2, 30), (3, 20), (4, 40)] {
        record(catalog, &feedback(number, "cat", seconds)).await;
    }
    record(catalog, &Feedback { version: version(2), ..feedback(5, "cat", 50) }).await;
    record(catalog, &Feedback { model: name("birds"), ..feedback(6, "cat", 50) }).await;
    let since = async |seconds, limit| {
        let told = catalog.feedback_since(&name("pets"), &version(1), time(seconds), limit).await;
        told.expect("true labels can be listed")
    };
    let [second, third, fourth] = [(2, 30), (3, 20), (4, 40)].map(|(number, at)| feedback(number, "cat", at));
    assert_eq!(since(20, 9).await, [fourth.clone(), second.clone(), third], "newest first");
    assert_eq!(since(21, 9).await, [fourth.clone(), second]);
    assert_eq!(since(0, 1).await, [fourth]);
    assert_eq!(since(41, 9).await, []);
    assert_eq!(since(0, 0).await, []);
}
