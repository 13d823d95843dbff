//! The answer to a method that a route does not have.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The answer where there is a route, but not for this method. The router adds the header `allow`.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let what = format!("{} does not answer {method}: the header `allow` names what it answers", uri.path());
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": what }))).into_response()
}
