//! Decisions whether to train.

use pappus_domain::trigger::DecisionRecord;

use super::samples::{decision, name, time};
use crate::Catalog;

pub(super) async fn suite(catalog: &dyn Catalog) {
    lists_the_last_of_a_model(catalog).await;
    a_decision_stays_as_it_is(catalog).await;
    removes_the_oldest(catalog).await;
}

async fn last(catalog: &dyn Catalog, model: &str, limit: usize) -> Vec<DecisionRecord> {
    catalog.decisions(&name(model), limit).await.expect("decisions can be listed")
}

async fn lists_the_last_of_a_model(catalog: &dyn Catalog) {
    assert_eq!(last(catalog, "pets", 9).await, []);
    // Not in the order of time, and two of one moment.
    for (number, model, seconds) in [(3, "pets", 30), (1, "pets", 10), (4, "birds", 20), (2, "pets", 10)] {
        catalog.record_decision(&decision(number, model, seconds)).await.expect("a decision can be recorded");
    }
    let all = [decision(3, "pets", 30), decision(2, "pets", 10), decision(1, "pets", 10)];
    assert_eq!(last(catalog, "pets", 9).await, all, "newest first");
    assert_eq!(last(catalog, "pets", 1).await, all[..1]);
    assert_eq!(last(catalog, "pets", 0).await, []);
    assert_eq!(last(catalog, "birds", 9).await, [decision(4, "birds", 20)]);
}

async fn a_decision_stays_as_it_is(catalog: &dyn Catalog) {
    let again = DecisionRecord { run: None, ..decision(3, "pets", 30) };
    catalog.record_decision(&again).await.expect("that it is known is no error");
    assert_eq!(last(catalog, "pets", 1).await, [decision(3, "pets", 30)]);
}

async fn removes_the_oldest(catalog: &dyn Catalog) {
    let remove = async |seconds, at_most| {
        catalog.delete_decisions(time(seconds), at_most).await.expect("decisions can be removed")
    };
    assert_eq!(remove(10, 9).await, 0, "none is older");
    assert_eq!(remove(30, 2).await, 2, "no more than asked for");
    assert_eq!(last(catalog, "pets", 9).await, [decision(3, "pets", 30)], "the oldest first");
    assert_eq!(last(catalog, "birds", 9).await.len(), 1);
    assert_eq!(remove(30, 9).await, 1);
    assert_eq!((last(catalog, "pets", 9).await.len(), last(catalog, "birds", 9).await.len()), (1, 0));
    assert_eq!(remove(31, 9).await, 1);
}
