//! HTTP as function URLs and API Gateway bring it (payload format 2.0), and take it back.
//!
//! The few fields that matter are read here: `lambda_http` 1.3 panics on a body that is said to be base64 and
//! is not, and on a path that makes no URL.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::disposition::{Disposition, Failure};

/// The most bytes of an answer: Lambda takes 6 MB of JSON, and base64 makes four bytes of three.
const MAX_ANSWER_BYTES: usize = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(borrow)]
    raw_path: Cow<'a, str>,
    // What there is none of may be null: cargo-lambda's emulator sends it so.
    #[serde(borrow, default)]
    raw_query_string: Option<Cow<'a, str>>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(borrow)]
    request_context: RequestContext<'a>,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct RequestContext<'a> {
    #[serde(borrow)]
    http: Http<'a>,
    #[serde(borrow, default)]
    stage: Cow<'a, str>,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

/// Who has been let in, where somebody has looked.
#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    iam: Option<Iam>,
}

/// Whom IAM has let in. AWS writes it; what a caller sends stands elsewhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Iam {
    user_arn: Arc<str>,
}

#[derive(Deserialize)]
struct Http<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

/// What tells a request from an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sign {
    request_context: Option<serde::de::IgnoredAny>,
}

/// An answer in payload format 2.0.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    /// Always there: cargo-lambda's emulator takes no answer without it.
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

/// The request in a payload; nothing where it holds none.
pub(super) fn read(payload: &str, request_id: &str) -> Option<Result<Request<Body>, Failure>> {
    let is_request = serde_json::from_str::<Sign>(payload).is_ok_and(|sign| sign.request_context.is_some());
    is_request.then(|| {
        let payload = serde_json::from_str(payload);
        request(
            payload.map_err(|error| refused(format!("this is no request of payload format 2.0: {error}")))?,
            request_id,
        )
    })
}

fn request(payload: Payload<'_>, request_id: &str) -> Result<Request<Body>, Failure> {
    let Payload { raw_path, raw_query_string, headers, cookies, request_context, body, is_base64_encoded } = payload;
    let RequestContext { http, stage, authorizer } = request_context;
    // API Gateway puts a stage that has a name before the path.
    let path = match raw_path.strip_prefix('/').and_then(|path| path.strip_prefix(&*stage)) {
        Some("") if !stage.is_empty() => "/",
        Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest,
        _ if raw_path.is_empty() => "/",
        _ => &raw_path,
    };
    let uri = match raw_query_string.filter(|query| !query.is_empty()) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let body = match body {
        None => Vec::new(),
        Some(body) if is_base64_encoded => STANDARD
            .decode(body.as_bytes())
            .map_err(|error| refused(format!("the body is said to be base64 and is not: {error}")))?,
        Some(body) => body.into_owned().into_bytes(),
    };
    let mut request = Request::builder().method(&*http.method).uri(&uri);
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    if let Some(cookies) = cookies.filter(|cookies| !cookies.is_empty()) {
        request = request.header(header::COOKIE, cookies.join("; "));
    }
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("x-request-id")) {
        request = request.header("x-request-id", request_id);
    }
    if let Some(Iam { user_arn }) = authorizer.and_then(|authorizer| authorizer.iam) {
        request = request.extension(Caller::Trusted(Some(user_arn)));
    }
    request.body(body.into()).map_err(|error| refused(format!("this is no request: {error}")))
}

/// What a router answers to a request.
pub(super) async fn answer(router: Router, request: Request<Body>) -> Result<Answer, Failure> {
    // A router fails never: its error type has no values.
    let Ok(response) = router.oneshot(request).await;
    answered(response).await
}

/// The answer to what could not be read as a request.
pub(super) async fn refusal(failure: Failure) -> Result<Answer, Failure> {
    answered(failure.into_response()).await
}

async fn answered(response: Response<Body>) -> Result<Answer, Failure> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER_BYTES)
        .await
        .map_err(|error| Failure::new(Disposition::Fault, format!("the answer cannot be given: {error}")))?;
    let cookies = parts.headers.get_all(header::SET_COOKIE).iter().filter_map(text).collect();
    let (body, is_base64_encoded) = match String::from_utf8(bytes.into()) {
        Ok(text) => (text, false),
        Err(binary) => (STANDARD.encode(binary.as_bytes()), true),
    };
    Ok(Answer { status_code: parts.status.as_u16(), headers: joined(&parts.headers), cookies, body, is_base64_encoded })
}

/// Headers, those that come more than once as one. Cookies go another way.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::SET_COOKIE) {
        let Some(value) = text(value) else { continue };
        let entry = joined.entry(HeaderName::as_str(name).to_owned());
        entry.and_modify(|all| *all = format!("{all}, {value}")).or_insert(value);
    }
    joined
}

fn text(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

fn refused(what: String) -> Failure {
    Failure::new(Disposition::Refused, what)
}
