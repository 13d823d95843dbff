//! Images in, classes out, and what is refused.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{detail, fields, get, has_runtime, picture, post, post_form, red, send, serving, stores};
use image::ImageFormat;
use serde_json::{Value, json};

#[tokio::test]
async fn without_a_model_every_answer_says_what_to_do() {
    let stores = stores().await;
    let app = common::app(&stores.context).await;
    let posted = post(&app, "/predict", "image/jpeg", red()).await;
    let batch = post_form(&app, "/predict/batch", &[("files", "a.jpg", &red())]).await;
    for (status, json) in [posted, batch, get(&app, "/model/info").await, get(&app, "/health/ready").await] {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(detail(&json).contains("`pappus train`"), "{json}");
    }
    let (status, welcome) = get(&app, "/").await;
    assert_eq!(
        (status, &welcome["model_version"], &welcome["available_classes"]),
        (StatusCode::OK, &Value::Null, &json!([]))
    );
    let (status, health) = get(&app, "/health").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((&health["status"], &health["model_loaded"]), (&json!("unhealthy"), &json!(false)));
    assert_eq!(get(&app, "/health/live").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_image_is_answered_with_the_reference_systems_fields() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    let (status, answer) = post_form(&app, "/predict", &[("file", "red.jpg", &red())]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let mut expected = ["request_id", "predicted_class", "confidence", "all_probabilities", "model_version"].to_vec();
    expected.extend(["prediction_time_ms", "timestamp"]);
    expected.sort_unstable();
    assert_eq!(fields(&answer), expected);
    assert_eq!((&answer["predicted_class"], &answer["model_version"]), (&json!("red"), &json!(version.as_str())));
    assert_eq!(fields(&answer["all_probabilities"]), ["blue", "green", "red"]);
    assert_eq!(answer["confidence"], answer["all_probabilities"]["red"]);
    let sum: f64 = answer["all_probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{answer}");
    assert!(answer["prediction_time_ms"].as_f64().unwrap() > 0.0);
    let timestamp: Result<pappus_domain::Timestamp, _> = answer["timestamp"].as_str().unwrap().parse();
    timestamp.unwrap();
}

#[tokio::test]
async fn an_image_may_be_the_whole_body_or_stand_behind_other_fields() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, _) = serving().await;
    for kind in ["image/jpeg", "image/png", "application/octet-stream", "application/x-www-form-urlencoded"] {
        let (status, answer) = post(&app, "/predict", kind, red()).await;
        assert_eq!((status, &answer["predicted_class"]), (StatusCode::OK, &json!("red")), "{kind}");
    }
    let (status, _) = send(&app, Request::post("/predict").body(Body::from(red())).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "no type at all");
    let form = [("note", "note.txt", b"who knows".as_slice()), ("file", "", &red())];
    assert_eq!(post_form(&app, "/predict", &form).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_its_status_and_reason() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, _) = serving().await;
    let image = red();
    let cut = &image[..image.len() - 20];
    let small = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(31, 32).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let gif = b"GIF89a\x20\0\x20\0\x80\0\0".as_slice();
    for (bytes, wanted, says) in [
        (b"a text called cat.jpg".as_slice(), 400, "not an image"),
        (b"", 400, "empty"),
        (cut, 400, "cut off"),
        (&small, 400, "31×32"),
        (gif, 415, "GIF is not read"),
        (&vec![0xFF; (10 << 20) + 1], 413, "more than the 10485760 allowed"),
        (&vec![0xFF; 11 << 20], 413, "10485760 bytes"),
    ] {
        let form = post_form(&app, "/predict", &[("file", "cat.jpg", bytes)]).await;
        for (status, json) in [form, post(&app, "/predict", "image/jpeg", bytes.to_vec()).await] {
            assert_eq!(status.as_u16(), wanted, "{json}");
            assert!(detail(&json).contains(says), "{json}");
        }
    }
}

#[tokio::test]
async fn a_request_of_another_type_or_shape_says_what_is_wanted() {
    let stores = stores().await;
    let app = common::app(&stores.context).await;
    for (path, kind, body, wanted, says) in [
        ("/predict", "application/json", "{}", 415, "`application/json` is not read"),
        ("/predict", "text/plain", "red", 415, "`text/plain` is not read"),
        ("/predict/batch", "image/jpeg", "…", 415, "multipart/form-data"),
        ("/predict", "multipart/form-data", "…", 400, "boundary"),
        ("/predict", "multipart/form-data; boundary=edge", "no form at all", 400, "form"),
        ("/predict", "multipart/form-data; boundary=edge", "--edge--\r\n", 400, "no field `file`"),
        ("/predict/batch", "multipart/form-data; boundary=edge", "--edge--\r\n", 400, "no field `files`"),
    ] {
        let (status, json) = post(&app, path, kind, body).await;
        assert_eq!(status.as_u16(), wanted, "{path} {kind}: {json}");
        assert!(detail(&json).contains(says), "{json}");
    }
    let (status, json) = post_form(&app, "/predict", &[("image", "a.jpg", &red())]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(detail(&json).contains("no field `file`"), "{json}");
}

#[tokio::test]
async fn a_batch_answers_each_image_on_its_own() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    let files: [(&str, &str, &[u8]); 4] = [
        ("files", "red.jpg", &red()),
        ("files", "text.jpg", b"a text"),
        ("other", "blue.png", &picture([0, 0, 240], ImageFormat::Png)),
        ("files", "green.bmp", &picture([0, 240, 0], ImageFormat::Bmp)),
    ];
    let (status, batch) = post_form(&app, "/predict/batch", &files).await;
    assert_eq!(status, StatusCode::OK, "{batch}");
    assert_eq!(fields(&batch), ["batch_id", "model_version", "results", "timestamp"]);
    assert_eq!(batch["model_version"], version.as_str());
    let results = batch["results"].as_array().unwrap();
    let names: Vec<&Value> = results.iter().map(|result| &result["filename"]).collect();
    assert_eq!(names, ["red.jpg", "text.jpg", "green.bmp"]);
    assert_eq!((&results[0]["predicted_class"], &results[2]["predicted_class"]), (&json!("red"), &json!("green")));
    for field in ["confidence", "all_probabilities"] {
        assert!(!results[0][field].is_null(), "{field}");
    }
    assert_eq!(fields(&results[1]), ["error", "filename"]);
    assert!(results[1]["error"].as_str().unwrap().contains("not an image"), "{batch}");
}

#[tokio::test]
async fn a_batch_has_at_most_64_images() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, _) = serving().await;
    let image = red();
    let files = |count: usize| vec![("files", "red.jpg", image.as_slice()); count];
    let (status, json) = post_form(&app, "/predict/batch", &files(65)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(detail(&json).contains("at most 64 images"), "{json}");
    let (status, batch) = post_form(&app, "/predict/batch", &files(64)).await;
    assert_eq!(status, StatusCode::OK);
    let results = batch["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["predicted_class"] == "red"), "a whole batch fits the queue: {batch}");
}

#[tokio::test]
async fn batches_at_once_leave_room_in_the_queue() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, _) = serving().await;
    let image = red();
    let files = vec![("files", "red.jpg", image.as_slice()); 64];
    // Each worker's part of the queue has room for half a batch.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = (0..=workers).map(|_| post_form(&app, "/predict/batch", &files));
    for (status, batch) in futures::future::join_all(asked).await {
        assert_eq!(status, StatusCode::OK);
        let results = batch["results"].as_array().unwrap();
        assert!(results.iter().all(|result| result["predicted_class"] == "red"), "{batch}");
    }
}
