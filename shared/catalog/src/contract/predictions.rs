//! The prediction log.

use std::slice::from_ref;

use pappus_domain::prediction::PredictionId;
use pappus_domain::{Prediction, Timestamp};

use super::samples::{prediction, time};
use crate::{Catalog, Cursor, Error, TimeRange};

const ALWAYS: TimeRange = TimeRange { from: None, until: None };

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
    let late = Prediction { at: time(90_000), ..first.clone() };
    catalog.log_predictions(&[late.clone(), late]).await.expect("a known prediction is no error");
    let recent = page(catalog, ALWAYS, None, 2).await;
    assert_eq!(recent, [third.clone(), second.clone()], "the last, newest first, by id where the times are equal");
    assert_eq!(count(catalog, ALWAYS, 10).await, 3);
    assert_eq!(count(catalog, ALWAYS, 2).await, 2, "counted no further than asked for");
    refuses_what_is_no_number(catalog).await;
    pages_within_a_time(catalog, &[first, second, third]).await;
    forgets_the_oldest(catalog).await;
    keeps_the_order_of_time(catalog).await;
}

async fn page(catalog: &dyn Catalog, within: TimeRange, before: Option<&Prediction>, limit: usize) -> Vec<Prediction> {
    let before = before.map(Cursor::from);
    catalog.predictions(&within, before.as_ref(), limit).await.expect("predictions can be listed")
}

async fn count(catalog: &dyn Catalog, within: TimeRange, at_most: u64) -> u64 {
    catalog.count_predictions(&within, at_most).await.expect("predictions can be counted")
}

async fn refuses_what_is_no_number(catalog: &dyn Catalog) {
    let mut bad = prediction(4, 4);
    bad.probabilities.values_mut().for_each(|probability| *probability = f32::NAN);
    let refused = catalog.log_predictions(&[prediction(5, 5), bad]).await;
    assert!(matches!(refused, Err(Error::Unwritable { .. })), "{refused:?}");
    assert_eq!(count(catalog, ALWAYS, 10).await, 3, "all of a batch is logged or nothing");
}

async fn pages_within_a_time(catalog: &dyn Catalog, [first, second, third]: &[Prediction; 3]) {
    assert_eq!(page(catalog, ALWAYS, Some(third), 1).await, from_ref(second), "a page goes on inside a moment");
    assert_eq!(page(catalog, ALWAYS, Some(second), 9).await, from_ref(first));
    assert!(page(catalog, ALWAYS, Some(first), 9).await.is_empty());
    assert!(page(catalog, ALWAYS, None, 0).await.is_empty());
    let from = TimeRange { from: Some(time(2)), until: None };
    assert_eq!(page(catalog, from, None, 9).await, [third.clone(), second.clone()], "the beginning is part of it");
    assert_eq!(count(catalog, from, 9).await, 2);
    let until = TimeRange { from: None, until: Some(time(2)) };
    assert_eq!(page(catalog, until, None, 9).await, from_ref(first), "the end is not");
    assert_eq!(page(catalog, until, Some(third), 9).await, from_ref(first), "wherever the page before ended");
    assert_eq!(count(catalog, until, 9).await, 1);
    let never = TimeRange { from: Some(time(2)), until: Some(time(1)) };
    assert!(page(catalog, never, None, 9).await.is_empty());
    assert_eq!(count(catalog, never, 9).await, 0);
}

async fn forgets_the_oldest(catalog: &dyn Catalog) {
    // Hours and days apart, as a log is that was kept for long.
    let days: Vec<Prediction> = (10..20).map(|number| prediction(number, 86_400 * (number as i64 - 20))).collect();
    catalog.log_predictions(&days).await.expect("predictions can be logged");
    assert_eq!(page(catalog, ALWAYS, None, 20).await.len(), 13, "time goes on from day to day");
    let delete =
        async |before, at_most| catalog.delete_predictions(before, at_most).await.expect("predictions can be removed");
    assert_eq!(delete(days[4].at, 3).await, 3, "no more than asked for");
    let rest = page(catalog, ALWAYS, None, 20).await;
    assert_eq!(rest.last(), days.get(3), "the oldest first");
    assert_eq!(delete(days[4].at, 9).await, 1, "what was made at the moment itself stays");
    assert_eq!(delete(days[4].at, 9).await, 0);
    assert_eq!(count(catalog, ALWAYS, 20).await, 9);
    assert_eq!(catalog.prediction(&days[0].id).await.expect("a prediction can be asked for"), None);
}

/// Ids tell another order than times do, and some another hour.
async fn keeps_the_order_of_time(catalog: &dyn Catalog) {
    let start = time(1_000_000);
    let id = |at: Timestamp, bits: u8| {
        let milliseconds = at.as_millisecond().cast_unsigned();
        PredictionId(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[bits; 10]).into_uuid())
    };
    let mut made: Vec<Prediction> = (0..200_i64)
        .map(|number| {
            let at = time(1_000_000 + 97 * (number * 37 % 200));
            let asked = if number % 5 == 0 { time(900_000 - number) } else { at };
            Prediction { id: id(asked, number as u8), ..prediction(0, 1_000_000 + 97 * (number * 37 % 200)) }
        })
        .collect();
    catalog.log_predictions(&made).await.expect("predictions can be logged");
    made.sort_by_key(|made| std::cmp::Reverse((made.at, made.id)));
    let since = TimeRange { from: Some(start), until: None };
    for limit in [1, 30, 500] {
        let mut seen: Vec<Prediction> = Vec::new();
        while let some = page(catalog, since, seen.last(), limit).await
            && !some.is_empty()
        {
            seen.extend(some);
        }
        assert_eq!(seen, made, "in pages of {limit}");
    }
    assert_eq!(count(catalog, since, 1000).await, 200);
    for made in made.iter().step_by(9) {
        let found = catalog.prediction(&made.id).await.expect("a prediction can be asked for");
        assert_eq!(found.as_ref(), Some(made), "whatever its id tells");
    }
    let before = made[70].at;
    assert_eq!(catalog.delete_predictions(before, 1000).await.expect("predictions can be removed") as usize, 129 + 9);
    assert_eq!(page(catalog, ALWAYS, None, 500).await, made[..71]);
    for gone in &made[71..] {
        let found = catalog.prediction(&gone.id).await.expect("a prediction can be asked for");
        assert_eq!(found, None, "what is removed is found in no way");
    }
}
