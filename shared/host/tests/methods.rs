//! Methods that a route does not have.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Request, StatusCode, header};
use axum::routing::get;
use http_body_util::BodyExt as _;
use pappus_host::{App, Hosted, Outlet};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_wrong_method_is_named_with_its_path_and_told_the_right_ones() {
    let inner = Router::new().route("/things", get(|| async {}).put(|| async {})).layer(DefaultBodyLimit::max(10));
    let (context, _home) = common::context().await;
    let app = App { router: inner, ..common::function(|_| Ok(Vec::new())) };
    let router = Hosted::new(app, context, Outlet::Answered).router();
    for (method, status) in [(Method::POST, 405), (Method::DELETE, 405), (Method::GET, 200), (Method::PUT, 200)] {
        let request = Request::builder().method(&method).uri("/things?all=1").body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method}");
        if response.status() != StatusCode::METHOD_NOT_ALLOWED {
            continue;
        }
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD,PUT");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let detail = format!("/things does not answer {method}: the header `allow` names what it answers");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "detail": detail }));
    }
    let (status, _) = common::send(router, Request::post("/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
