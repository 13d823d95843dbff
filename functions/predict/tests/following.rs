//! The release changes while the function answers.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::http::StatusCode;
use common::{deliver, detail, get, has_runtime, post, red, serving, stores};
use futures::future::join_all;
use pappus_catalog::contract::samples;
use pappus_domain::event::ReleaseChanged;
use pappus_domain::{Event, Manifest, ModelVersion, Timestamp};
use pappus_host::{App, Disposition, Outcome};
use serde_json::json;

async fn answering(app: &App) -> String {
    let (status, answer) = post(app, "/predict", "image/jpeg", red()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["model_version"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_release_answers_and_a_rollback_flips_back_without_the_store() {
    if !has_runtime() {
        return;
    }
    let (stores, app, first) = serving().await;
    let second = stores.publish(5.0).await;
    assert_eq!(answering(&app).await, first.as_str(), "a version that is not released does not answer");
    deliver(&app, stores.release(&second).await).await;
    assert_eq!(answering(&app).await, second.as_str());
    assert_eq!(get(&app, "/model/info").await.1["model_version"], second.as_str());
    for file in [Manifest::MODEL, Manifest::GOLDEN, Manifest::FILE] {
        let key = Manifest::object_key(&samples::name("tiny"), &first, file).parse().unwrap();
        stores.context.objects.delete(&key).await.unwrap();
    }
    deliver(&app, stores.release(&first).await).await;
    assert_eq!(answering(&app).await, first.as_str(), "it was still loaded");
    let metrics = stores.context.metrics.text().unwrap();
    let models = metrics.lines().filter(|line| line.starts_with("model_info{"));
    let one = format!("model_info{{model_version=\"{first}\",model_name=\"tiny\"}} 1");
    assert_eq!(models.collect::<Vec<_>>(), [one], "only the model that answers");
}

#[tokio::test]
async fn the_first_release_is_followed_by_a_function_that_began_without_one() {
    if !has_runtime() {
        return;
    }
    let stores = stores().await;
    let app = common::app(&stores.context).await;
    assert_eq!(get(&app, "/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let version = stores.publish(9.0).await;
    deliver(&app, stores.release(&version).await).await;
    assert_eq!(answering(&app).await, version.as_str());
    assert_eq!(get(&app, "/health/ready").await.0, StatusCode::OK);
}

#[tokio::test]
async fn reloading_by_hand_follows_the_release_too() {
    if !has_runtime() {
        return;
    }
    let (stores, app, first) = serving().await;
    let (status, answer) = post(&app, "/model/reload", "", "").await;
    assert_eq!((status, &answer["model_version"]), (StatusCode::OK, &json!(first.as_str())));
    assert!(answer["message"].as_str().unwrap().contains("already") && answer["timestamp"].is_string(), "{answer}");
    let second = stores.publish(5.0).await;
    stores.release(&second).await;
    let (status, answer) = post(&app, "/model/reload", "", "").await;
    assert_eq!((status, &answer["model_version"]), (StatusCode::OK, &json!(second.as_str())));
}

#[tokio::test]
async fn reloading_without_a_release_says_what_to_do() {
    let stores = stores().await;
    let app = common::app(&stores.context).await;
    let (status, json) = post(&app, "/model/reload", "", "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(detail(&json).contains("`pappus train`"), "{json}");
}

#[tokio::test]
async fn a_released_version_that_cannot_be_loaded_leaves_the_old_one_answering() {
    if !has_runtime() {
        return;
    }
    let (stores, app, first) = serving().await;
    let missing = samples::manifest(7, "tiny");
    stores.context.catalog.record_model(&missing).await.unwrap();
    deliver(&app, stores.release(&missing.version).await).await;
    assert_eq!(answering(&app).await, first.as_str());
    let (status, health) = get(&app, "/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("degraded")));
    let detail_of = health["detail"].as_str().unwrap();
    assert!(detail_of.contains(missing.version.as_str()) && detail_of.contains("cannot be loaded"), "{health}");
    let (status, json) = post(&app, "/model/reload", "", "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(detail(&json).contains(missing.version.as_str()), "{json}");
    deliver(&app, stores.release(&first).await).await;
    let (_, health) = get(&app, "/health").await;
    assert_eq!(
        (&health["status"], &health["detail"]),
        (&json!("healthy"), &json!(null)),
        "and after a rollback all is well"
    );
}

#[tokio::test]
async fn a_first_version_that_cannot_be_loaded_is_said_so_to_every_request() {
    let stores = stores().await;
    let version: ModelVersion = samples::version(3);
    stores.release(&version).await;
    let app = common::app(&stores.context).await;
    let (status, json) = post(&app, "/predict", "image/jpeg", red()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(detail(&json).contains(&format!("the released version {version} cannot be loaded: ")), "{json}");
}

#[tokio::test]
async fn no_request_fails_while_another_model_takes_over() {
    if !has_runtime() {
        return;
    }
    let (stores, app, first) = serving().await;
    let second = stores.publish(5.0).await;
    let mut seen = vec![first.clone()];
    for version in [&second, &first, &second] {
        let event = stores.release(version).await;
        let asking = join_all((0..12).map(|_| answering(&app)));
        let (answers, ()) = tokio::join!(asking, deliver(&app, event));
        seen.extend(answers.iter().map(|version| version.parse().unwrap()));
    }
    assert!(seen.iter().all(|version| [&first, &second].contains(&version)));
    assert_eq!(answering(&app).await, second.as_str());
}

#[tokio::test]
async fn events_that_say_nothing_to_it_are_passed_over_and_broken_ones_refused() {
    let stores = stores().await;
    let app = common::app(&stores.context).await;
    let handler = &app.on_event;
    let changed = ReleaseChanged { model: samples::name("other"), generation: 1, champion: samples::version(1) };
    let mut event = Event::new("promote", &changed, Timestamp::now()).unwrap();
    assert_eq!(handler.on_event(event.clone()).await.unwrap(), Outcome::NOTHING);
    event.data = json!({ "model": 7 }).into();
    assert_eq!(handler.on_event(event.clone()).await.unwrap_err().disposition(), Disposition::Refused);
    event.kind = "com.example.other".into();
    assert!(!handler.takes(&event));
}
