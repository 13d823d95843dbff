//! One training of a model at a time, whoever dies.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::{Place, has_runtime, place};
use jiff::SignedDuration;
use pappus_catalog::Acquired;
use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelTrained, TrainingFailed, TrainingRequested};
use pappus_domain::{Event, Lease, RunId, RunStatus, Timestamp};
use pappus_host::{Context, Dispose as _, Disposition, Failure, Publisher};
use pappus_train::{Ended, Error, Step, Train, Trained};
use tokio::sync::mpsc;

fn lease_name() -> String {
    Lease::for_training(&samples::name("pets"))
}

/// Takes the lease for a training elsewhere.
async fn held_elsewhere(place: &Place, holder: &str) -> Lease {
    let asked = place.context.catalog.acquire_lease(&lease_name(), holder, Timestamp::now()).await.unwrap();
    let Acquired::Granted { lease, .. } = asked else { panic!("nobody else is here") };
    lease
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_training_gives_way_once_the_first_shows_a_sign_of_life() {
    let place = place().await;
    let lease = held_elsewhere(&place, "first run/process").await;
    let id = place.ask(2, |_| {}).await;
    let (sender, mut steps) = mpsc::unbounded_channel();
    let second = Train::new(place.context.clone(), Arc::new(move |step| drop(sender.send(step))));
    let running = tokio::spawn(async move { second.run(&id).await });
    assert_eq!(steps.recv().await, Some(Step::Waiting));
    place.context.catalog.renew_lease(&lease, Timestamp::now()).await.unwrap().unwrap();
    let Err(Error::Failed { failure, .. }) = running.await.unwrap() else { panic!("the first one lives") };
    assert_eq!(failure.disposition(), Disposition::Conflict);
    assert!(failure.to_string().contains("another training is under way (run first run)"), "{failure}");
    assert_eq!(place.failure(&id).await, failure.to_string());
    let held = place.context.catalog.lease(&lease_name()).await.unwrap().unwrap();
    assert_eq!(held.holder, "first run/process", "the first keeps its lease");
}

/// A second process that is given a run which another is at work on, and has begun to watch it.
async fn watching(place: &Place, id: RunId) -> (Lease, Train, mpsc::UnboundedReceiver<Step>) {
    let lease = held_elsewhere(place, &format!("{id}/another process")).await;
    place.context.catalog.update_run(&id, None, &RunStatus::RUNNING, Timestamp::now()).await.unwrap();
    let (sender, steps) = mpsc::unbounded_channel();
    (lease, Train::new(place.context.clone(), Arc::new(move |step| drop(sender.send(step)))), steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_launched_twice_is_left_to_the_process_that_is_at_work_on_it() {
    let place = place().await;
    let id = place.ask(1, |_| {}).await;
    let (lease, second, mut steps) = watching(&place, id).await;
    let (launched, asked) = (second.clone(), second);
    let launched = tokio::spawn(async move { launched.run(&id).await });
    let asked = tokio::spawn(async move { asked.on_request(&id).await });
    for _ in 0..2 {
        assert_eq!(steps.recv().await, Some(Step::Waiting));
    }
    place.context.catalog.renew_lease(&lease, Timestamp::now()).await.unwrap().unwrap();
    assert!(launched.await.unwrap().unwrap().is_none());
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.disposition(), Disposition::Conflict, "{error:?}");
    assert_eq!(place.status(&id).await, RunStatus::RUNNING, "it may succeed yet");
    assert_eq!(place.context.catalog.lease(&lease_name()).await.unwrap().unwrap().holder, lease.holder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_another_process_has_ended_meanwhile_is_not_done_again() {
    let place = place().await;
    let catalog = &place.context.catalog;
    let succeeded = RunStatus::Succeeded { version: samples::version(7), metrics: Default::default() };
    let failed = RunStatus::Failed { message: "the disk was full".into() };
    for (number, end) in [(1, succeeded), (2, failed)] {
        let id = place.ask(number, |_| {}).await;
        let (lease, second, mut steps) = watching(&place, id).await;
        let asked = tokio::spawn(async move { second.on_request(&id).await });
        assert_eq!(steps.recv().await, Some(Step::Waiting));
        catalog.update_run(&id, None, &end, Timestamp::now()).await.unwrap();
        catalog.release_lease(&lease).await.unwrap();
        let (model, run) = (samples::name("pets"), id);
        let told = match &end {
            RunStatus::Failed { message } => Ended::Failed(TrainingFailed { model, run, message: message.clone() }),
            _ => Ended::Trained(ModelTrained { model, version: samples::version(7), run }),
        };
        assert_eq!(asked.await.unwrap().unwrap(), Some(told));
        assert_eq!(steps.recv().await, None, "and nothing else was done");
        assert_eq!((place.status(&id).await, catalog.lease(&lease_name()).await.unwrap()), (end, None));
    }
}

/// Trains where no image can be read, and lets another take the lease over meanwhile.
async fn overtaken(place: &Place, id: RunId, by: &str) -> Result<Option<Trained>, Error> {
    let (sender, mut steps) = mpsc::unbounded_channel();
    let train = Train::new(place.faulty("images/", false), Arc::new(move |step| drop(sender.send(step))));
    let training = tokio::spawn(async move { train.run(&id).await });
    while steps.recv().await != Some(Step::Learning) {}
    let catalog = &place.context.catalog;
    catalog.release_lease(&catalog.lease(&lease_name()).await.unwrap().unwrap()).await.unwrap();
    held_elsewhere(place, by).await;
    training.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lease_was_lost_fails_unless_another_process_has_taken_it_over() {
    let (place, other_place) = (place().await, place().await);
    let (id, other_id) = (place.ask(1, |_| {}).await, other_place.ask(1, |_| {}).await);
    place.draw(20).await;
    other_place.draw(20).await;
    let by = format!("{id}/another process");
    let outcomes = tokio::join!(overtaken(&place, id, &by), overtaken(&other_place, other_id, "other run/process"));
    assert!(outcomes.0.unwrap().is_none());
    assert!(matches!(place.status(&id).await, RunStatus::Running { .. }), "it may succeed yet");
    let Err(Error::Failed { failure, .. }) = outcomes.1 else { panic!("another run has begun") };
    assert!(failure.to_string().contains("the lease on training was lost"), "{failure}");
    assert_eq!(other_place.failure(&other_id).await, failure.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_for_twice_at_once_is_done_once() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let id = place.ask_transfer(1, |_| {}).await;
    let (first, steps) = place.train_telling();
    let second = first.clone();
    let outcomes = tokio::join!(first.on_request(&id), second.on_request(&id));
    let mut told = 0;
    for outcome in [outcomes.0, outcomes.1] {
        match outcome {
            Ok(trained) => {
                assert!(matches!(trained, Some(Ended::Trained(trained)) if trained.run == id));
                told += 1;
            }
            Err(error) => assert_eq!(error.disposition(), Disposition::Conflict, "{error:?}"),
        }
    }
    assert!(told > 0);
    assert_eq!(steps.lock().unwrap().iter().filter(|step| **step == Step::Freezing).count(), 1);
    assert!(matches!(place.status(&id).await, RunStatus::Succeeded { .. }));
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
            Err(Error::Failed { failure, .. }) => assert_eq!(failure.disposition(), Disposition::Conflict, "{failure}"),
            Err(other) => panic!("{other:?}"),
            Ok(_) => {}
        }
    }
    assert_eq!(place.context.catalog.models(&samples::name("pets"), 10).await.unwrap().len(), 1);
}

/// Whoever is told of events.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

#[async_trait]
impl Publisher for Told {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_has_run_out_is_taken_over_and_the_dead_run_is_marked_so() {
    if !has_runtime() {
        return;
    }
    let Place { context, home } = place().await;
    let told = Arc::new(Told::default());
    let place = Place { context: Context { events: told.clone(), ..context }, home };
    place.draw(20).await;
    let dead = place.ask(1, |_| {}).await;
    let catalog = &place.context.catalog;
    catalog.update_run(&dead, None, &RunStatus::RUNNING, Timestamp::now()).await.unwrap();
    let long_ago = Timestamp::now() - SignedDuration::from_secs(60);
    catalog.acquire_lease(&lease_name(), &format!("{dead}/process"), long_ago).await.unwrap();
    let id = place.ask(2, |_| {}).await;
    place.train().run(&id).await.unwrap().unwrap();
    let message = place.failure(&dead).await;
    assert!(message.contains("cut off") && message.contains(&id.to_string()), "{message}");
    let told: Vec<TrainingFailed> = told.0.lock().unwrap().iter().filter_map(|event| event.read().unwrap()).collect();
    assert_eq!(
        told,
        [TrainingFailed { model: samples::name("pets"), run: dead, message }],
        "and those who want to know"
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_cannot_be_given_back_does_not_hide_the_model() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    place.tamper("CREATE TRIGGER held BEFORE DELETE ON leases BEGIN SELECT RAISE(ABORT, 'it is kept'); END").await;
    let id = place.ask_transfer(1, |_| {}).await;
    let manifest = place.train().run(&id).await.unwrap().unwrap().manifest;
    let RunStatus::Succeeded { version, .. } = place.status(&id).await else { panic!("it succeeded") };
    assert_eq!(version, manifest.version);
    assert!(place.context.catalog.lease(&lease_name()).await.unwrap().is_some(), "it was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_asked_to_stop_gives_its_training_up_and_its_lease_back() {
    let place = place().await;
    place.draw(20).await;
    let id = place.ask(1, |_| {}).await;
    let catalog = &place.context.catalog;
    let requested = TrainingRequested { request: catalog.run(&id).await.unwrap().unwrap().request };
    let event = Event::new("train-trigger", &requested, Timestamp::now()).unwrap();
    // It waits for images for ever.
    let function = pappus_train::app(place.faulty("images/", false)).on_event;
    let (asked, again) = (function.clone(), event.clone());
    let asked = tokio::spawn(async move { asked.on_event(event).await });
    while catalog.lease(&lease_name()).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    function.stop();
    function.flush().await;
    assert_eq!(catalog.lease(&lease_name()).await.unwrap(), None);
    let failure = asked.await.unwrap().unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
    assert!(failure.to_string().contains(&format!("run {id} was given up")), "{failure}");
    assert!(!place.status(&id).await.is_over(), "another process may do it");
    let failure = function.on_event(again).await.unwrap_err();
    assert_eq!((failure.disposition(), catalog.lease(&lease_name()).await.unwrap()), (Disposition::Unavailable, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_somebody_ends_is_trained_no_further() {
    let place = place().await;
    place.draw(20).await;
    let id = place.ask(1, |_| {}).await;
    let (sender, mut steps) = mpsc::unbounded_channel();
    // Where no image can be read, so that the training cannot be over before it is ended.
    let train = Train::new(place.faulty("images/", false), Arc::new(move |step| drop(sender.send(step))));
    let training = tokio::spawn(async move { train.run(&id).await });
    while steps.recv().await != Some(Step::Learning) {}
    let ended = RunStatus::Failed { message: "cancelled by an operator".into() };
    assert!(place.context.catalog.update_run(&id, None, &ended, Timestamp::now()).await.unwrap());
    let Err(Error::Failed { failure, .. }) = training.await.unwrap() else { panic!("it was ended") };
    assert!(failure.to_string().contains("was ended by somebody else"), "{failure}");
    assert_eq!(place.status(&id).await, ended, "what it was ended with stays");
    assert_eq!(place.context.catalog.lease(&lease_name()).await.unwrap(), None, "another may train at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_how_far_it_has_come() {
    let place = place().await;
    place.draw(20).await;
    let id = place.ask(1, |_| {}).await;
    let train = Train::new(place.faulty("images/", false), Arc::new(|_| {}));
    let training = tokio::spawn(async move { train.run(&id).await });
    let progress = loop {
        match place.status(&id).await {
            RunStatus::Running { progress: Some(progress) } if progress.stage.starts_with("learning") => {
                break progress;
            }
            RunStatus::Requested | RunStatus::Running { .. } => tokio::task::yield_now().await,
            over => panic!("{over:?}"),
        }
    };
    assert_eq!((progress.stage.as_str(), progress.done), ("learning features from the images", None));
    training.abort();
}
