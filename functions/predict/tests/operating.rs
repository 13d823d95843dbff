//! What operators look at: the model, its health, its metrics.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{fields, get, has_runtime, post, red, send, serving};
use serde_json::json;

#[tokio::test]
async fn the_welcome_names_the_model_and_where_to_go_on() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    let (status, welcome) = get(&app, "/").await;
    assert_eq!(status, StatusCode::OK);
    let names = fields(&welcome);
    for field in ["message", "version", "model_version", "model_loaded_at", "available_classes", "docs", "health"] {
        assert!(names.contains(&field), "{field}");
    }
    assert_eq!(welcome["model_version"], version.as_str());
    assert_eq!(welcome["available_classes"], json!(["blue", "green", "red"]));
}

#[tokio::test]
async fn the_model_is_described() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    let (status, info) = get(&app, "/model/info").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(info["model_version"], version.as_str());
    assert_eq!((&info["classes"], &info["num_classes"]), (&json!(["blue", "green", "red"]), &json!(3)));
    assert_eq!(info["image_size"], json!([8, 8]));
    assert_eq!(info["model_path"], format!("models/tiny/{version}/model.onnx"));
    assert!(info["model_loaded_at"].is_string());
}

#[tokio::test]
async fn health_has_the_reference_systems_fields_and_tells_the_truth() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    let (status, health) = get(&app, "/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("healthy")));
    assert_eq!((&health["model_loaded"], &health["database_connected"]), (&json!(true), &json!(true)));
    assert_eq!(health["model_version"], version.as_str());
    assert!(health["timestamp"].is_string() && health["version"].is_string());
    for load in ["cpu_percent", "memory_percent", "disk_percent"] {
        assert!((0.0..=100.0).contains(&health["system"][load].as_f64().unwrap()), "{load}: {health}");
    }
    assert_eq!(get(&app, "/health/ready").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_catalog_that_is_away_degrades_health_and_no_answer() {
    if !has_runtime() {
        return;
    }
    let (stores, app, _) = serving().await;
    stores.context.catalog.close().await;
    let (status, answer) = post(&app, "/predict", "image/jpeg", red()).await;
    assert_eq!((status, &answer["predicted_class"]), (StatusCode::OK, &json!("red")));
    let (status, health) = get(&app, "/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(health["database_connected"], json!(false));
}

#[tokio::test]
async fn metrics_have_the_names_that_dashboards_know() {
    if !has_runtime() {
        return;
    }
    let (_stores, app, version) = serving().await;
    for _ in 0..2 {
        post(&app, "/predict", "image/jpeg", red()).await;
    }
    post(&app, "/predict", "image/jpeg", "a text").await;
    post(&app, "/predict", "text/plain", "a text").await;
    let (status, text) = send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        format!("predictions_total{{model_version=\"{version}\",predicted_class=\"red\"}} 2"),
        "prediction_duration_seconds_count 2".into(),
        "prediction_duration_seconds_bucket{le=\"+Inf\"} 2".into(),
        "prediction_errors_total{error_type=\"not_an_image\"} 1".into(),
        "prediction_errors_total{error_type=\"wrong_type\"} 1".into(),
        format!("model_info{{model_version=\"{version}\",model_name=\"tiny\"}} 1"),
        "predictions_unlogged_total 0".into(),
    ] {
        assert!(text.lines().any(|found| found == line), "`{line}` is not in\n{text}");
    }
    for step in ["library", "read", "session", "first_runs"] {
        let name = format!("model_start_seconds{{step=\"{step}\"}} ");
        let seconds = text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
        assert!(seconds.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{step}: {seconds:?}");
    }
    assert!(text.ends_with("# EOF\n"));
}
