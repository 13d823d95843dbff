//! Trainings that MLflow is told of, while it is away.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{Place, has_runtime, place};
use pappus_domain::{RunId, RunStatus};
use pappus_host::Context;
use pappus_objects::Objects;
use pappus_telemetry::Metrics;
use pappus_tracking::{Login, Measure, News, Sending, Server, Tracking};
use pappus_train::Train;

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The same place, where a server is to be told that is away.
fn telling(place: &Place, objects: Objects) -> (Context, Metrics) {
    let (context, metrics) = (place.context.clone(), Metrics::default());
    let server = Server::new(NOWHERE, Login::default()).unwrap();
    let tracking = Tracking::new(Some(&server), objects, context.catalog.clone(), &metrics, Sending::WhenAsked);
    (Context { tracking, ..context }, metrics)
}

fn train(context: Context) -> Train {
    Train::new(context, std::sync::Arc::new(|_| {}))
}

/// What waits to be told of a run, one after another.
async fn waiting(place: &Place, id: &RunId) -> Vec<Vec<Measure>> {
    let mut all = Vec::new();
    for meta in place.context.objects.list("tracking/outbox/", None, 100).await.unwrap() {
        let bytes = place.context.objects.get(&meta.key, 1 << 20).await.unwrap();
        match serde_json::from_slice(&bytes).unwrap() {
            News::Run { run, measures } if run == *id => all.push(measures),
            _ => {}
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_leaves_word_of_its_beginning_its_steps_and_its_end() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(12).await;
    let id = place.ask_transfer(1, |_| {}).await;
    let (context, _) = telling(&place, place.context.objects.clone());
    train(context).run(&id).await.unwrap().unwrap();
    let mut told = waiting(&place, &id).await.into_iter();
    assert_eq!(told.next(), Some(Vec::new()), "it has begun");
    assert_eq!(told.next_back(), Some(Vec::new()), "it is over");
    for (number, measures) in (1..).zip(told) {
        let of_candidate = |measure: &&Measure| measure.name == "candidate/accuracy";
        let accuracies: Vec<_> =
            measures.iter().filter(of_candidate).map(|measure| (measure.step, measure.value)).collect();
        assert!(matches!(accuracies[..], [(step, 0.0..=1.0)] if step == number), "{accuracies:?}");
        let lambdas: Vec<_> = measures.iter().filter(|measure| measure.name.ends_with("/lambda")).collect();
        assert!(lambdas.len() > 2, "{measures:?}");
        assert_eq!(lambdas.iter().map(|m| m.step).collect::<Vec<_>>(), (1..=lambdas.len() as u64).collect::<Vec<_>>());
        assert!(lambdas.iter().all(|measure| measure.value > 0.0));
    }
}

#[tokio::test]
async fn a_training_that_fails_or_is_dropped_leaves_word_too() {
    let place = place().await;
    let (context, _) = telling(&place, place.context.objects.clone());
    let failing = place.ask(1, |_| {}).await;
    train(context.clone()).run(&failing).await.unwrap_err();
    assert_eq!(waiting(&place, &failing).await.len(), 2, "its beginning, and that there are too few images");
    let dropped = place.ask(2, |_| {}).await;
    train(context.clone()).abandon(&dropped, "stopped by the operator").await.unwrap();
    assert_eq!(waiting(&place, &dropped).await.len(), 1);

    // One that was cut off is declared dead by the next.
    let (dead, next) = (place.ask(3, |_| {}).await, place.ask(4, |_| {}).await);
    train(context.clone()).run(&next).await.unwrap_err();
    assert!(place.failure(&dead).await.contains("it was cut off"));
    assert_eq!(waiting(&place, &dead).await.len(), 1);

    // Whoever did it may have been cut off before it left word.
    train(context).on_request(&failing).await.unwrap();
    assert_eq!(waiting(&place, &failing).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_does_not_suffer_from_word_that_cannot_be_left() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(12).await;
    let id = place.ask_transfer(1, |_| {}).await;
    let (context, metrics) = telling(&place, place.faulty("tracking/", true).objects);
    train(context).run(&id).await.unwrap().unwrap();
    assert!(matches!(place.status(&id).await, RunStatus::Succeeded { .. }));
    assert!(waiting(&place, &id).await.is_empty());
    let text = metrics.text().unwrap();
    let lost = text.lines().find_map(|line| line.strip_prefix("tracking_lost_total ")).unwrap();
    assert!(lost.parse::<u64>().unwrap() >= 3, "{lost}");
}
