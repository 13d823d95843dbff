//! What train-trigger answers over HTTP.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Place, place};
use http_body_util::BodyExt as _;
use pappus_catalog::contract::samples;
use pappus_domain::Feedback;
use pappus_domain::event::{FeedbackGiven, TrainingRequested};
use pappus_domain::trigger::Cause;
use pappus_host::{App, local};
use pappus_train_trigger::app_with;
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn app(place: &Place) -> App {
    let app = app_with(place.context.clone(), None);
    App { router: local(app.router), ..app }
}

async fn send(app: &App, request: Request<Body>) -> (StatusCode, Value) {
    let response = app.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(app: &App, path: &str) -> (StatusCode, Value) {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn ask(app: &App, asked: &Value) -> (StatusCode, Value) {
    let request = Request::post("/decisions").header("content-type", "application/json");
    send(app, request.body(Body::from(asked.to_string())).unwrap()).await
}

#[tokio::test]
async fn decisions_are_listed_with_the_figures_behind_them() {
    let place = place().await;
    let app = app(&place);
    assert_eq!(get(&app, "/decisions").await, (StatusCode::OK, json!({ "decisions": [] })));
    place.images(0..30).await;
    place.trigger.decide(Cause::Schedule).await.unwrap();
    place.images(30..60).await;
    let run = place.trigger.decide(Cause::Change).await.unwrap().record.run.unwrap();
    let (_, listed) = get(&app, "/decisions").await;
    let [last, first] = &listed["decisions"].as_array().unwrap()[..] else { panic!("two: {listed}") };
    assert_eq!((&last["train"], &last["run"]), (&json!(true), &json!(run)));
    assert_eq!(last["reasons"], json!([{ "reason": "new-images", "count": 60, "wanted": 50 }]));
    assert_eq!((&last["facts"]["labelled_images"], &last["cause"]["cause"]), (&json!(60), &json!("change")));
    assert_eq!((&first["train"], &first["run"], &first["reasons"]), (&json!(false), &Value::Null, &json!([])));
    assert!(first["summary"].as_str().unwrap().contains("30 new labelled images"), "{first}");
    let (_, one) = get(&app, "/decisions?limit=1").await;
    assert_eq!(one["decisions"].as_array().unwrap()[..], std::slice::from_ref(last)[..]);
    for bad in ["limit=1001", "limit=many", "limits=1"] {
        assert_eq!(get(&app, &format!("/decisions?{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_training_is_asked_for_by_hand_and_followed_by_its_id() {
    let mut place = place().await;
    let app = app(&place);
    let (status, decided) = ask(&app, &json!({ "cause": "schedule" })).await;
    assert_eq!((status, &decided["decision"]["train"]), (StatusCode::OK, &json!(false)), "there are no images");
    let (_, decided) = ask(&app, &json!({ "cause": "operator", "reason": "trying it" })).await;
    let run = decided["decision"]["run"].as_str().unwrap();
    let requested: TrainingRequested = place.published.recv().await.unwrap().read().unwrap().unwrap();
    assert_eq!((requested.request.run.to_string().as_str(), &*requested.request.reason), (run, "trying it"));
    let (status, shown) = get(&app, &format!("/runs/{run}")).await;
    assert_eq!((status, &shown["status"]), (StatusCode::OK, &json!("requested")));
    let (_, listed) = get(&app, "/runs?limit=5").await;
    assert_eq!(listed["runs"][0]["run"], run);
    // One at a time, also by hand.
    let (status, hindered) = ask(&app, &json!({ "cause": "operator", "reason": "again" })).await;
    let hindrance = &hindered["decision"]["hindrance"];
    assert_eq!(
        (status, &hindrance["hindrance"], &hindrance["holder"]),
        (StatusCode::OK, &json!("under-way"), &json!(run))
    );
    assert_eq!(place.runs().await.len(), 1);
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let place = place().await;
    let app = app(&place);
    for asked in [json!({}), json!({ "cause": "moon" }), json!({ "cause": "operator" }), json!(7)] {
        assert_eq!(ask(&app, &asked).await.0, StatusCode::BAD_REQUEST, "{asked}");
    }
    assert_eq!(get(&app, "/runs/7").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&app, "/runs/01890a5d-ac96-774b-bcce-b302099a8057").await.0, StatusCode::NOT_FOUND);
    let strangers = app_with(place.context.clone(), None);
    let (status, said) = ask(&strangers, &json!({ "cause": "schedule" })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
}

#[tokio::test]
async fn feedback_against_the_champion_is_a_reason_to_train() {
    let place = place().await;
    place.released().await;
    place.images(0..10).await;
    let told = |number, label| {
        let (version, at) = (samples::version(1), pappus_domain::Timestamp::now());
        Feedback { version, predicted_at: at, at, ..samples::feedback(number, label, 0) }
    };
    let deliver = async |feedback: Feedback| {
        place.context.catalog.record_feedback(&feedback).await.unwrap();
        let event = pappus_domain::Event::new(
            "predict",
            &FeedbackGiven { feedback: feedback.clone(), bytes: None },
            feedback.at,
        );
        app(&place).on_event.on_event(event.unwrap()).await.unwrap().events
    };
    // A few say nothing, however wrong.
    for number in 0..29 {
        assert!(deliver(told(number, "dog")).await.is_empty(), "{number}");
    }
    let events = deliver(told(29, "dog")).await;
    let requested: TrainingRequested = events[0].read().unwrap().unwrap();
    assert!(requested.request.reason.starts_with("accuracy "), "{}", requested.request.reason);
    let last = place.context.catalog.decisions(&samples::name("pets"), 1).await.unwrap().remove(0);
    assert_eq!((last.cause, last.run), (Cause::Feedback, Some(requested.request.run)));
    assert!(last.facts.live_accuracy.unwrap().high < 0.85);
}

#[tokio::test]
async fn decisions_are_forgotten_after_their_days() {
    let place = place().await;
    let old = pappus_domain::trigger::DecisionRecord {
        at: pappus_domain::Timestamp::UNIX_EPOCH,
        ..samples::decision(1, "pets", 0)
    };
    place.context.catalog.record_decision(&old).await.unwrap();
    place.trigger.decide(Cause::Change).await.unwrap();
    assert_eq!(place.context.catalog.decisions(&samples::name("pets"), 9).await.unwrap().len(), 2);
    place.trigger.decide(Cause::Schedule).await.unwrap();
    let left = place.context.catalog.decisions(&samples::name("pets"), 9).await.unwrap();
    assert_eq!((left.len(), left.contains(&old)), (2, false), "when the schedule comes round");
}
