//! Trainings on a pretrained network: what is tried, and what is computed once only.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{Place, has_runtime, place};
use pappus_domain::{Manifest, RunId};
use pappus_host::Context;
use pappus_objects::{Key, PutMode};
use pappus_train::{Step, Train};

/// Trains, and returns what was made and how it went.
async fn train(context: &Context, id: RunId) -> (Manifest, Vec<Step>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = steps.clone();
    let train = Train::new(context.clone(), Arc::new(move |step| told.lock().unwrap().push(step)));
    let manifest = train.run(&id).await.unwrap().unwrap().manifest;
    let steps = steps.lock().unwrap().clone();
    (manifest, steps)
}

/// The images that were run through a network.
fn computed(steps: &[Step]) -> usize {
    let done = |step: &Step| match step {
        Step::Extracting { done, .. } => Some(*done),
        _ => None,
    };
    steps.windows(2).filter(|pair| matches!((done(&pair[0]), done(&pair[1])), (Some(a), Some(b)) if b > a)).count()
}

async fn segments(place: &Place) -> Vec<(Key, Bytes)> {
    let mut segments = Vec::new();
    for key in place.keys("features/").await {
        let key: Key = key.parse().unwrap();
        segments.push((key.clone(), place.context.objects.get(&key, 1 << 20).await.unwrap()));
    }
    segments
}

#[tokio::test(flavor = "multi_thread")]
async fn features_of_a_network_are_computed_once_and_those_of_a_dictionary_are_not_kept() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let learned = place.ask(1, |_| {}).await;
    train(&place.context, learned).await;
    assert_eq!(segments(&place).await, [], "the next dictionary is another one");
    let (first, second) = (place.ask_transfer(2, |_| {}).await, place.ask_transfer(3, |_| {}).await);
    let (one, steps) = train(&place.context, first).await;
    assert!(computed(&steps) > 3 * 20, "{steps:?}");
    let kept = segments(&place).await;
    let (two, steps) = train(&place.context, second).await;
    assert_eq!((computed(&steps), two.version), (0, one.version));
    assert_eq!(segments(&place).await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_features_are_dropped_and_computed_anew() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let (first, second) = (place.ask_transfer(1, |_| {}).await, place.ask_transfer(2, |_| {}).await);
    let (one, _) = train(&place.context, first).await;
    let whole = segments(&place).await;
    for (key, bytes) in &whole {
        // One bit of the last number: it still reads well.
        let mut damaged = bytes.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        place.context.objects.put(key, damaged.into(), PutMode::Overwrite).await.unwrap();
    }
    let stray: Key = format!("{}x", whole[0].0).parse().unwrap();
    place.context.objects.put(&stray, whole[0].1.clone(), PutMode::Overwrite).await.unwrap();
    let (two, _) = train(&place.context, second).await;
    assert_eq!(two.version, one.version);
    assert_eq!(segments(&place).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn features_that_cannot_be_read_or_kept_are_computed_anew() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let (first, second) = (place.ask_transfer(1, |_| {}).await, place.ask_transfer(2, |_| {}).await);
    let (one, steps) = train(&place.context, first).await;
    let (two, again) = train(&place.faulty("features/", true), second).await;
    assert_eq!((computed(&again), two.version), (computed(&steps), one.version));
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_time_is_up_no_other_way_is_tried() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let mut tried = Vec::new();
    for (number, budget) in [(1, None), (2, Some(0))] {
        let id = place
            .ask_transfer(number, |request| {
                request.normalisation = None;
                request.budget_seconds = budget;
            })
            .await;
        let (_, steps) = train(&place.context, id).await;
        tried.push(steps.iter().filter(|step| matches!(step, Step::Validated { .. })).count());
    }
    assert_eq!(tried, [3 + 3, 1 + 1], "normalisations, then ways of using the network");
}
