//! Whether to train now, and who is told.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Launched, Place, place};
use jiff::SignedDuration;
use pappus_catalog::contract::samples;
use pappus_domain::event::{AlertRaised, ImagesIngested, TrainingRequested};
use pappus_domain::run::Recipe;
use pappus_domain::trigger::{Cause, Hindrance};
use pappus_domain::{Event, Lease, ModelVersion, Prediction, RunStatus, Timestamp};
use pappus_host::{Bus, Context, Dispose as _, Disposition, Failure};
use pappus_train_trigger::{JobState, Telling, Wish, app_watching, app_with};
use serde_json::json;

#[tokio::test]
async fn fifty_new_images_are_worth_a_training_and_fewer_are_not() {
    let place = place().await;
    place.images(0..49).await;
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(!decision.train() && decision.to_string().contains("49 new labelled images"), "{decision:?}");
    place.images(49..50).await;
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(decision.train() && decision.summary.contains("no model yet"), "{decision:?}");
}

#[tokio::test]
async fn where_there_is_no_image_at_all_an_alert_trains_nothing() {
    let place = place().await;
    let alert = Cause::Alert { name: "LowConfidence".into() };
    let decision = place.trigger.decide(alert.clone()).await.unwrap().record.decision;
    assert_eq!(
        (decision.reasons.len(), decision.hindrance),
        (1, Some(Hindrance::FewNewImages { count: 0, wanted: 10 }))
    );
    place.images(0..10).await;
    assert!(place.trigger.decide(alert).await.unwrap().record.decision.train());
}

#[tokio::test]
async fn images_that_the_last_training_used_are_not_new() {
    let place = place().await;
    place.images(0..120).await;
    place.trained(1, 80).await;
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(!decision.train() && decision.to_string().contains("40 new"), "{decision:?}");
    place.images(120..130).await;
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(decision.train() && decision.summary.contains("since the last data set"), "{decision:?}");
}

#[tokio::test]
async fn images_that_a_training_set_aside_are_not_new_for_ever() {
    let place = place().await;
    place.images(0..80).await;
    place.trained(1, 80).await;
    place.images(80..130).await;
    assert!(place.trigger.decide(Cause::Change).await.unwrap().record.decision.train());
    // Each of them looked like images of both sides, so that the data set is what it was.
    place.trained_on(2, 1, 130).await;
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(!decision.train() && decision.to_string().contains("0 new labelled images"), "{decision:?}");
}

#[tokio::test]
async fn a_run_that_failed_has_used_nothing() {
    let place = place().await;
    place.images(0..60).await;
    let failed = place.asked(1).await;
    let why = RunStatus::Failed { message: "the disk was full".into() };
    place.context.catalog.update_run(&failed, None, &why, Timestamp::now()).await.unwrap();
    assert!(place.trigger.decide(Cause::Change).await.unwrap().record.decision.train());
}

#[tokio::test]
async fn images_without_a_label_and_bad_ones_do_not_count() {
    let place = place().await;
    place.images(0..49).await;
    let keep = pappus_catalog::OnConflict::Keep;
    let others = [samples::image(900, None), samples::quarantined(901, Some("cat"))];
    place.context.catalog.record_images(&others, keep).await.unwrap();
    assert!(!place.trigger.decide(Cause::Change).await.unwrap().record.decision.train());
}

#[tokio::test]
async fn while_a_training_is_under_way_no_other_is_begun() {
    let place = place().await;
    place.images(0..50).await;
    let name = Lease::for_training(&samples::name("pets"));
    let catalog = &place.context.catalog;
    catalog.acquire_lease(&name, "run/process", Timestamp::now()).await.unwrap();
    let decision = place.trigger.decide(Cause::Change).await.unwrap().record.decision;
    assert!(!decision.train() && decision.to_string().contains("run run/process is under way"), "{decision:?}");
    let held = catalog.lease(&name).await.unwrap().unwrap();
    catalog.release_lease(&held).await.unwrap();
    catalog.acquire_lease(&name, "dead/process", samples::time(0)).await.unwrap();
    assert!(
        place.trigger.decide(Cause::Change).await.unwrap().record.decision.train(),
        "a lease that has run out is nobody's"
    );
}

#[tokio::test]
async fn a_run_is_under_way_for_as_long_as_its_job_waits_or_works() {
    let place = place().await;
    let launched = Arc::new(Launched::default());
    let trigger = place.trigger.clone().with_jobs(launched.clone());
    place.images(0..50).await;
    // Asked for long before now.
    let id = place.asked(1).await;
    launched.says(JobState::Absent);
    assert_eq!(trigger.under_way().await.unwrap(), Some(id.to_string()), "it is yet to be launched, or to fail");
    assert!(place.context.catalog.update_run(&id, None, &RunStatus::RUNNING, Timestamp::now()).await.unwrap());
    let pending = JobState::Pending { why: None, since: Timestamp::now() };
    for (state, is_under_way) in [
        (pending, true),
        (JobState::Running, true),
        (JobState::Untold { whereabouts: "a log".into() }, true),
        (JobState::Absent, false),
        (JobState::Succeeded, false),
        (JobState::Failed { why: "it died".into() }, false),
    ] {
        launched.says(state.clone());
        let under_way = trigger.under_way().await.unwrap();
        assert_eq!(under_way, is_under_way.then(|| id.to_string()), "{state:?}");
        if is_under_way {
            let decision = trigger.decide(Cause::Change).await.unwrap().record.decision;
            assert!(matches!(decision.hindrance, Some(Hindrance::UnderWay { .. })), "{state:?}");
        }
    }
    launched.is_away.store(true, Ordering::Relaxed);
    assert_eq!(trigger.decide(Cause::Change).await.unwrap_err().disposition(), Disposition::Unavailable);
}

#[tokio::test]
async fn a_request_is_written_down_before_anybody_is_told() {
    let place = place().await;
    let wish = Wish {
        recipe: Recipe::Scratch,
        seed: 7,
        budget_seconds: Some(9),
        reason: "operator".into(),
        ..Wish::default()
    };
    let request = place.trigger.request(wish).await.unwrap();
    assert_eq!((request.recipe, request.seed, request.budget_seconds), (Recipe::Scratch, 7, Some(9)));
    let run = place.run(&request.run).await;
    assert_eq!((run.request, run.status, run.data_set), (request.clone(), RunStatus::Requested, None));
    let later = place.trigger.request(Wish::default()).await.unwrap();
    assert!(later.run > request.run, "ids sort by time");
}

fn ingested() -> Event {
    Event::new("ingest", &ImagesIngested { batch: "a".into(), stored: 50 }, Timestamp::now()).unwrap()
}

async fn deliver(place: &Place, launched: &Arc<Launched>, event: Event) -> Result<Vec<Event>, Failure> {
    app_with(place.context.clone(), Some(launched.clone())).on_event.on_event(event).await.map(|outcome| outcome.events)
}

#[tokio::test]
async fn new_images_make_a_request_whose_event_launches_the_run() {
    let place = place().await;
    let launched = Arc::new(Launched::default());
    assert_eq!(deliver(&place, &launched, ingested()).await.unwrap(), [], "there are none");
    place.images(0..50).await;
    let events = deliver(&place, &launched, ingested()).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let TrainingRequested { request } = event.read().unwrap().unwrap();
    assert!(request.reason.contains("50 new labelled images"), "{}", request.reason);
    assert_eq!(place.runs().await.len(), 1);
    assert_eq!(launched.launched(), [], "launching is what the event is for");
    deliver(&place, &launched, event.clone()).await.unwrap();
    assert_eq!(launched.launched(), [request.run]);
}

#[tokio::test]
async fn images_that_another_process_takes_in_are_found_by_counting() {
    let mut place = place().await;
    place.images(0..49).await;
    let _app =
        app_watching(place.context.clone(), Arc::new(Launched::default()), Telling::ByJob, Duration::from_millis(1));
    let settings = (*place.context.settings).clone();
    let other = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    let keep = pappus_catalog::OnConflict::Keep;
    other.catalog.record_images(&[samples::image(49, Some("cat"))], keep).await.unwrap();
    let TrainingRequested { request } = place.published.recv().await.unwrap().read().unwrap().unwrap();
    assert!(request.reason.contains("50 new labelled images"), "{}", request.reason);

    // The same images do not make it ask again, however the training ended.
    let failed = RunStatus::Failed { message: "the disk was full".into() };
    place.context.catalog.update_run(&request.run, None, &failed, Timestamp::now()).await.unwrap();
    other.catalog.record_images(&[samples::image(50, Some("cat"))], keep).await.unwrap();
    let TrainingRequested { request } = place.published.recv().await.unwrap().read().unwrap().unwrap();
    assert!(request.reason.contains("51 new labelled images"), "{}", request.reason);
    assert_eq!(place.runs().await.len(), 2);
}

#[tokio::test]
async fn a_request_for_a_run_that_is_over_or_another_model_launches_nothing() {
    let place = place().await;
    let launched = Arc::new(Launched::default());
    place.trained(1, 60).await;
    let over = samples::run(1, "pets").request;
    let other = samples::run(2, "cars").request;
    for request in [over, other] {
        let event = Event::new("train-trigger", &TrainingRequested { request }, Timestamp::now()).unwrap();
        assert_eq!(deliver(&place, &launched, event).await.unwrap(), []);
    }
    assert_eq!(launched.launched(), []);
}

#[tokio::test]
async fn apart_an_event_is_kept_until_the_training_that_was_asked_for_has_begun() {
    let place = place().await;
    place.images(0..60).await;
    let handler = app_with(place.context.clone(), None).on_event;
    let outcome = handler.on_event(ingested()).await.unwrap();
    let TrainingRequested { request } = outcome.events[0].read().unwrap().unwrap();
    let failure = handler.on_event(ingested()).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable, "whoever was to be told may not have been");
    let (name, holder) = (Lease::for_training(&request.model), request.run.to_string());
    let catalog = &place.context.catalog;
    catalog.acquire_lease(&name, &holder, Timestamp::now()).await.unwrap();
    catalog.update_run(&request.run, None, &RunStatus::RUNNING, Timestamp::now()).await.unwrap();
    assert_eq!(handler.on_event(ingested()).await.unwrap().events, []);
    assert_eq!(place.runs().await.len(), 1);
}

#[tokio::test]
async fn broken_events_are_refused() {
    let place = place().await;
    let launched = Arc::new(Launched::default());
    let broken = Event { data: json!({ "batch": 7 }).into(), ..ingested() };
    assert_eq!(deliver(&place, &launched, broken).await.unwrap_err().disposition(), Disposition::Refused);
}

fn alert(name: &str, resolved: bool) -> Event {
    let alert = AlertRaised { name: name.into(), resolved, labels: Default::default(), summary: String::new() };
    Event::new("alertmanager", &alert, Timestamp::now()).unwrap()
}

#[tokio::test]
async fn an_alert_is_a_reason_until_it_is_resolved() {
    let place = place().await;
    let launched = Arc::new(Launched::default());
    place.images(0..10).await;
    assert_eq!(deliver(&place, &launched, alert("ModelDrift", true)).await.unwrap(), []);
    let events = deliver(&place, &launched, alert("ModelDrift", false)).await.unwrap();
    let TrainingRequested { request } = events[0].read().unwrap().unwrap();
    assert_eq!(request.reason, "alert ModelDrift");
}

/// Answers of the released version, one of another, and one that is older than the window.
async fn answered(place: &Place, confidence: f32) {
    let released = samples::version(1);
    let prediction = |number, version: &ModelVersion, at, confidence: f32| {
        let probabilities = [(samples::name("cat"), confidence), (samples::name("dog"), 1.0 - confidence)].into();
        Prediction { version: version.clone(), at, probabilities, ..samples::prediction(number, 0) }
    };
    let now = Timestamp::now();
    let mut all: Vec<_> = (0..200).map(|number| prediction(number, &released, now, confidence)).collect();
    all.push(prediction(900, &samples::version(2), now, 0.0));
    all.push(prediction(901, &released, now - SignedDuration::from_hours(24 * 8), 0.0));
    place.context.catalog.log_predictions(&all).await.unwrap();
}

#[tokio::test]
async fn a_champion_that_has_become_unsure_is_a_reason_when_the_schedule_comes_round() {
    for (confidence, train) in [(0.5, true), (0.875, false)] {
        let place = place().await;
        place.released().await;
        place.images(0..10).await;
        answered(&place, confidence).await;
        assert!(
            !place.trigger.decide(Cause::Change).await.unwrap().record.decision.train(),
            "images say nothing of it"
        );
        let decision = place.trigger.decide(Cause::Schedule).await.unwrap().record.decision;
        assert_eq!(decision.train(), train, "{decision}");
        assert!(decision.summary.contains(&format!("mean confidence {confidence:.3} of 200")), "{}", decision.summary);
    }
}
