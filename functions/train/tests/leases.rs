//! One training of a model at a time, whoever dies.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;

use common::{has_runtime, place};
use jiff::SignedDuration;
use pappus_catalog::Acquired;
use pappus_catalog::contract::samples;
use pappus_domain::{Lease, RunStatus, Timestamp};
use pappus_host::Disposition;
use pappus_train::{Error, Step, Train};
use tokio::sync::mpsc;

fn lease_name() -> String {
    Lease::for_training(&samples::name("pets"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_training_gives_way_once_the_first_shows_a_sign_of_life() {
    let place = place().await;
    let now = Timestamp::now();
    let Acquired::Granted { lease, .. } =
        place.context.catalog.acquire_lease(&lease_name(), "first run/process", now).await.unwrap()
    else {
        panic!("nobody else is here")
    };
    let id = place.ask(2, |_| {}).await;
    let (sender, mut steps) = mpsc::unbounded_channel();
    let second = Train::new(place.context.clone(), Arc::new(move |step| drop(sender.send(step))));
    let running = tokio::spawn(async move { second.run(&id).await });
    assert_eq!(steps.recv().await, Some(Step::Waiting));
    place.context.catalog.renew_lease(&lease, Timestamp::now()).await.unwrap().unwrap();
    let Err(Error::Failed(failure)) = running.await.unwrap() else { panic!("the first one lives") };
    assert_eq!(failure.disposition(), Disposition::Conflict);
    assert!(failure.to_string().contains("another training is under way (run first run)"), "{failure}");
    assert_eq!(place.failure(&id).await, failure.to_string());
    let held = place.context.catalog.lease(&lease_name()).await.unwrap().unwrap();
    assert_eq!(held.holder, "first run/process", "the first keeps its lease");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_trainings_at_once_one_makes_the_model() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let ids = [place.ask(1, |_| {}).await, place.ask(2, |_| {}).await];
    let [first, second] = ids.map(|id| {
        let train = place.train();
        tokio::spawn(async move { train.run(&id).await })
    });
    let outcomes = [first.await.unwrap(), second.await.unwrap()];
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Ok(Some(_)))), "{outcomes:?}");
    for outcome in outcomes {
        match outcome {
            // The other gave way, or came after the first had ended.
            Err(Error::Failed(failure)) => assert_eq!(failure.disposition(), Disposition::Conflict, "{failure}"),
            Err(other) => panic!("{other:?}"),
            Ok(_) => {}
        }
    }
    assert_eq!(place.context.catalog.models(&samples::name("pets"), 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_has_run_out_is_taken_over_and_the_dead_run_is_marked_so() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let dead = place.ask(1, |_| {}).await;
    let catalog = &place.context.catalog;
    catalog.update_run(&dead, None, &RunStatus::Running, Timestamp::now()).await.unwrap();
    let long_ago = Timestamp::now() - SignedDuration::from_secs(60);
    catalog.acquire_lease(&lease_name(), &format!("{dead}/process"), long_ago).await.unwrap();
    let id = place.ask(2, |_| {}).await;
    place.train().run(&id).await.unwrap().unwrap();
    let message = place.failure(&dead).await;
    assert!(message.contains("cut off") && message.contains(&id.to_string()), "{message}");
    assert_eq!(catalog.lease(&lease_name()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_is_dropped_can_be_tidied_up_after() {
    let place = place().await;
    let id = place.ask(1, |_| {}).await;
    let train = place.train();
    let other = place.train();
    place.context.catalog.acquire_lease(&lease_name(), "someone else/process", Timestamp::now()).await.unwrap();
    train.abandon(&id, "interrupted").await.unwrap();
    other.abandon(&id, "too late").await.unwrap();
    assert_eq!(place.failure(&id).await, "interrupted", "a run that is over stays as it is");
    let held = place.context.catalog.lease(&lease_name()).await.unwrap();
    assert_eq!(held.unwrap().holder, "someone else/process", "the lease of another is not ours to free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_was_interrupted_frees_its_lease() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let id = place.ask(1, |_| {}).await;
    let (sender, mut steps) = mpsc::unbounded_channel();
    let train = Train::new(place.context.clone(), Arc::new(move |step| drop(sender.send(step))));
    tokio::select! {
        outcome = train.run(&id) => panic!("it ended before it was interrupted: {outcome:?}"),
        _ = steps.recv() => {}
    }
    train.abandon(&id, "interrupted").await.unwrap();
    assert_eq!(place.context.catalog.lease(&lease_name()).await.unwrap(), None);
    assert_eq!(place.failure(&id).await, "interrupted");
}
