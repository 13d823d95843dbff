//! What an image that was classified truly shows, told afterwards; and images that are kept for that.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Stores, detail, has_runtime, picture, post, post_form, red, send, serving};
use pappus_catalog::contract::samples;
use pappus_domain::event::FeedbackGiven;
use pappus_domain::{Event, Feedback, ModelVersion, Timestamp};
use pappus_host::{App, Context, Failure, Publisher, Settings};
use serde_json::{Value, json};

/// Keeps what is published.
#[derive(Default)]
struct Published(Mutex<Vec<Event>>);

#[async_trait]
impl Publisher for Published {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
}

impl Published {
    fn feedback(&self) -> Vec<FeedbackGiven> {
        self.0.lock().unwrap().iter().map(|event| event.read().unwrap().unwrap()).collect()
    }
}

/// A function that answers, with what it publishes, and that keeps images or does not.
async fn answering(keep_images: bool) -> (Stores, App, Arc<Published>, Context) {
    let (stores, _, _) = serving().await;
    let published = Arc::new(Published::default());
    let settings = Settings { keep_images, ..(*stores.context.settings).clone() };
    let context = Context { settings: settings.into(), events: published.clone(), ..stores.context.clone() };
    let app = common::app(&context).await;
    (stores, app, published, context)
}

/// The id of an answer to a red picture.
async fn asked(app: &App) -> String {
    let (status, answer) = post_form(app, "/predict", &[("file", "red.jpg", &red())]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["request_id"].as_str().unwrap().to_owned()
}

async fn tell(app: &App, id: &str, told: &Value) -> (StatusCode, Value) {
    post(app, &format!("/predictions/{id}/feedback"), "application/json", told.to_string()).await
}

async fn accuracy(context: &Context, version: &ModelVersion) -> f64 {
    let told = context.catalog.feedback_since(&samples::name("tiny"), version, Timestamp::MIN, 9).await.unwrap();
    Feedback::accuracy(&told).unwrap().value
}

#[tokio::test]
async fn the_truth_is_written_down_and_told() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, published, context) = answering(false).await;
    let id = asked(&app).await;
    let (status, answer) = tell(&app, &id, &json!({ "label": "blue" })).await;
    let expected = json!({
        "request_id": id, "predicted_class": "red", "label": "blue", "is_right": false, "is_kept": false,
    });
    assert_eq!((status, &answer), (StatusCode::OK, &expected), "at once, though the log writes behind the answer");
    let [FeedbackGiven { feedback, bytes: None }] = &published.feedback()[..] else { panic!("one event") };
    assert_eq!((feedback.prediction.to_string(), feedback.label.as_str()), (id.clone(), "blue"));
    let version = feedback.version.clone();
    assert!(accuracy(&context, &version).await < 0.5);
    // A correction is the last word.
    assert_eq!(tell(&app, &id, &json!({ "label": " red " })).await.1["is_right"], true);
    assert!(accuracy(&context, &version).await > 0.5);
    assert_eq!(context.objects.list("kept/", None, 9).await.unwrap(), [], "no image is kept unless it is asked for");
}

#[tokio::test]
async fn what_cannot_be_true_is_refused() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, published, _) = answering(false).await;
    let id = asked(&app).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (id, told, status, said) in [
        (&*id, json!({ "label": "rose" }), 400, "`rose` is no class of version"),
        (&*id, json!({ "label": "rose" }), 400, "`blue`, `green`, `red`"),
        (&*id, json!({ "label": "" }), 400, "cannot be a label"),
        (&*id, json!({ "class": "red" }), 400, "unknown field `class`"),
        (&*id, json!(7), 400, "invalid type"),
        (unknown, json!({ "label": "red" }), 404, "there is no prediction 01890a5d"),
        ("7", json!({ "label": "red" }), 400, "UUID"),
    ] {
        let (answered, answer) = tell(&app, id, &told).await;
        assert_eq!(answered.as_u16(), status, "{told}: {answer}");
        assert!(detail(&answer).contains(said), "{told}: {answer}");
    }
    assert_eq!(published.feedback().len(), 0);
}

#[tokio::test]
async fn strangers_tell_no_truth() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, _, context) = answering(false).await;
    let id = asked(&app).await;
    let open = App { router: pappus_predict::app(context).await.router, ..app };
    let request = Request::post(format!("/predictions/{id}/feedback")).header("content-type", "application/json");
    let (status, said) = send(&open, request.body(Body::from(r#"{"label": "red"}"#)).unwrap()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
}

#[tokio::test]
async fn images_are_kept_where_it_is_asked_for_and_go_with_their_predictions() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, published, context) = answering(true).await;
    let id = asked(&app).await;
    app.on_event.flush().await;
    let kept = context.objects.list("kept/", None, 9).await.unwrap();
    let [kept] = &kept[..] else { panic!("one image: {kept:?}") };
    assert_eq!(context.objects.get(&kept.key, 1 << 20).await.unwrap(), red(), "byte by byte");
    // Again the same image, and one that is no image at all.
    asked(&app).await;
    post(&app, "/predict", "image/png", picture([0, 0, 0], image::ImageFormat::Png)[..9].to_vec()).await;
    app.on_event.flush().await;
    assert_eq!(context.objects.list("kept/", None, 9).await.unwrap().len(), 1);
    assert_eq!(tell(&app, &id, &json!({ "label": "green" })).await.1["is_kept"], true);
    let [FeedbackGiven { bytes: Some(key), .. }] = &published.feedback()[..] else { panic!("one event") };
    assert_eq!(*key, kept.key.to_string());
}
