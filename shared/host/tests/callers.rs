//! What is asked for over HTTP is for those who may.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{context_with, function};
use http_body_util::BodyExt as _;
use pappus_host::{App, Asker, Error, Hosted, Labeller, NewKey, Operator, Outlet, Reader, Role, Settings};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A function with a route of each kind.
struct Asked {
    hosted: Hosted,
    _home: TempDir,
}

async fn asked(keys: Option<&str>) -> Asked {
    let routes = Router::new()
        .route("/change", post(|operator: Operator| async move { operator.name().to_owned() }))
        .route("/label", post(|_: Labeller| async { "labelled" }))
        .route("/look", get(|_: Reader| async { "seen" }))
        .route("/ask", post(|_: Asker| async { "answered" }));
    let (context, home) = context_with(&[("PAPPUS_API_KEYS", keys.unwrap_or_default())]).await;
    let app = App { router: routes, ..function(|_| Ok(Vec::new())) };
    Asked { hosted: Hosted::new(app, context, Outlet::Answered), _home: home }
}

/// The routes of [`asked`].
const ROUTES: [(&str, &str); 4] = [("POST", "/change"), ("POST", "/label"), ("GET", "/look"), ("POST", "/ask")];

impl Asked {
    async fn send(&self, (method, path): (&str, &str), headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        answer(self.hosted.router(), (method, path), headers).await
    }

    /// The statuses of all routes.
    async fn statuses(&self, headers: &[(&str, &str)]) -> [u16; 4] {
        let mut statuses = [0; 4];
        for (status, route) in statuses.iter_mut().zip(ROUTES) {
            *status = self.send(route, headers).await.0.as_u16();
        }
        statuses
    }
}

async fn answer(
    router: Router,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers, String::from_utf8(body.into()).unwrap())
}

fn detail(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["detail"].as_str().unwrap().to_owned()
}

fn key(number: u8, role: Role, name: &str) -> NewKey {
    NewKey::of([number; 32], role, name).unwrap()
}

fn bearer(key: &NewKey) -> String {
    format!("Bearer {}", key.key)
}

#[tokio::test]
async fn without_keys_whoever_asks_may_look_and_ask_and_change_nothing() {
    let asked = asked(None).await;
    assert_eq!(asked.statuses(&[]).await, [403, 403, 200, 200]);
    let (_, _, body) = asked.send(ROUTES[0], &[]).await;
    let said = "POST /change is for operators: who is one is not known here: set PAPPUS_API_KEYS, or ask `pappus up`, \
                which only its own machine can reach";
    assert_eq!(detail(&body), said);
}

#[tokio::test]
async fn a_key_lets_its_holder_do_what_its_role_may() {
    let keys = [key(1, Role::Label, "tagger"), key(2, Role::Operate, "ada")];
    let lines = format!("# who may do what\n\n{}\n  {}  \n", keys[0].line, keys[1].line);
    let asked = asked(Some(&lines)).await;
    assert_eq!(asked.statuses(&[]).await, [401, 401, 401, 200], "no key is one to predict, so that needs none");
    assert_eq!(asked.statuses(&[("authorization", &bearer(&keys[0]))]).await, [403, 200, 200, 200]);
    assert_eq!(asked.statuses(&[("authorization", &bearer(&keys[1]))]).await, [200; 4]);
    let basic = format!("basic {}", STANDARD.encode(format!("anybody:{}", keys[1].key)));
    let (_, _, body) = asked.send(ROUTES[0], &[("authorization", &basic)]).await;
    assert_eq!(body, "ada", "the ledger is told whose key it was");
    let (_, _, body) = asked.send(ROUTES[0], &[("authorization", &bearer(&keys[0]))]).await;
    assert_eq!(detail(&body), "POST /change is for operators: the key of tagger is one to `label`");
}

#[tokio::test]
async fn where_there_is_a_key_to_predict_one_is_needed_for_that() {
    let keys = [key(1, Role::Predict, "shop"), key(2, Role::Operate, "ada")];
    let asked = asked(Some(&format!("{}\n{}", keys[0].line, keys[1].line))).await;
    assert_eq!(asked.statuses(&[]).await, [401; 4]);
    assert_eq!(asked.statuses(&[("authorization", &bearer(&keys[0]))]).await, [403, 403, 403, 200]);
    assert_eq!(asked.statuses(&[("authorization", &bearer(&keys[1]))]).await, [200; 4]);
}

#[tokio::test]
async fn an_image_in_an_event_needs_the_key_that_one_in_a_request_needs() {
    let keys = [key(1, Role::Predict, "shop"), key(2, Role::Operate, "ada")];
    let send = async |asked: &Asked, image: &'static [u8], key: Option<&NewKey>| {
        let request = Request::post("/events").header("ce-specversion", "1.0").header("ce-id", "7");
        let request = request.header("ce-source", "/camera").header("ce-type", "com.example.photo");
        let request = request.header("content-type", if image.is_empty() { "application/json" } else { "image/jpeg" });
        let request = key.iter().fold(request, |request, key| request.header("authorization", bearer(key)));
        asked.hosted.router().oneshot(request.body(Body::from(image)).unwrap()).await.unwrap().status()
    };
    let guarded = asked(Some(&format!("{}\n{}", keys[0].line, keys[1].line))).await;
    assert_eq!(send(&guarded, b"an image", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(send(&guarded, b"an image", Some(&keys[0])).await, StatusCode::NO_CONTENT);
    assert_eq!(send(&guarded, b"", None).await, StatusCode::NO_CONTENT, "brokers have no keys");
    let open = asked(Some(&keys[1].line)).await;
    assert_eq!(send(&open, b"an image", None).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_no_key_of_these_is_told_so_and_nothing_of_it_is_said() {
    let asked = asked(Some(&key(1, Role::Operate, "ada").line)).await;
    let (status, headers, body) = asked.send(ROUTES[0], &[]).await;
    assert_eq!(
        (status, headers[header::WWW_AUTHENTICATE].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "Bearer, Basic realm=\"pappus\"")
    );
    assert_eq!(detail(&body), "POST /change is for operators: send a key, as `authorization: Bearer KEY`");
    let digest = key(1, Role::Operate, "ada").line.split("sha256:").nth(1).unwrap().to_owned();
    for wrong in ["Bearer pappus_wrong", "Bearer ", "Basic cGFwcHVz", "Basic !!!", "Digest pappus_wrong", &digest] {
        let (status, _, body) = asked.send(ROUTES[0], &[("authorization", wrong)]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(!body.contains("wrong") && !body.contains(&digest), "{body}");
    }
    let (_, _, body) = asked.send(ROUTES[0], &[("authorization", "Bearer pappus_wrong")]).await;
    assert!(detail(&body).ends_with("this key is none of those that PAPPUS_API_KEYS lists"), "{body}");
}

#[tokio::test]
async fn on_its_own_machine_whoever_asks_is_an_operator_but_for_pages_of_other_sites() {
    let local = asked(None).await.hosted.local_router();
    let with_keys = asked(Some(&key(1, Role::Operate, "ada").line)).await.hosted.local_router();
    for own in [
        &[] as &[_],
        &[("host", "127.0.0.1:8080")],
        &[("host", "localhost")],
        &[("host", "[::1]:8080"), ("origin", "http://[::1]:8080"), ("sec-fetch-site", "same-origin")],
    ] {
        let (status, _, body) = answer(local.clone(), ROUTES[0], own).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "http"), "{own:?}");
    }
    for other in [
        &[("host", "evil.example:8080")] as &[_],
        &[("host", "127.0.0.1:8080"), ("origin", "https://evil.example")],
        &[("host", "127.0.0.1:8080"), ("origin", "null")],
        &[("host", "127.0.0.1.evil.example")],
        &[("host", "[::1].evil.example:80")],
        &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:3000")],
        &[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")],
    ] {
        for route in ROUTES {
            let (status, _, body) = answer(local.clone(), route, other).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{other:?}");
            assert!(detail(&body).ends_with("a page of another site is none: ask 127.0.0.1 or localhost"), "{body}");
        }
        // Nobody is asked who they are that sends an event, or reads metrics; with or without keys.
        for local in [&local, &with_keys] {
            for route in [("POST", "/events"), ("POST", "/"), ("GET", "/metrics")] {
                assert_eq!(answer(local.clone(), route, other).await.0, StatusCode::FORBIDDEN, "{other:?} {route:?}");
            }
        }
    }
}

#[tokio::test]
async fn with_keys_its_own_machine_needs_one_too() {
    let operator = key(1, Role::Operate, "ada");
    let local = asked(Some(&operator.line)).await.hosted.local_router();
    let host = ("host", "127.0.0.1:8080");
    assert_eq!(answer(local.clone(), ROUTES[0], &[host]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(local, ROUTES[0], &[host, ("authorization", &bearer(&operator))]).await.2, "ada");
}

/// What is said of wrong keys.
fn said(keys: &str) -> String {
    let read = Settings::read(|name| (name == "PAPPUS_API_KEYS").then(|| keys.to_owned()), None);
    let Err(error @ Error::Keys(_)) = read.map(|_| ()) else { panic!("these are keys: {keys}") };
    assert!(error.is_setting());
    error.to_string()
}

#[test]
fn keys_that_are_none_are_told_by_their_line() {
    let good = key(1, Role::Operate, "ada").line;
    for (keys, why) in [
        (format!("{good}\n{good}"), "line 2: the same key is there twice"),
        (good.replace("operate", "rule"), "line 1: its role may be `predict`, `label` or `operate`"),
        (good.replace("ada", "a/da"), "line 1: its name may be 1 to 64 letters, digits and `-._@`"),
        (format!("{good} more"), "line 1: it may be `ROLE NAME sha256:DIGEST`"),
        (format!("\n{good}0"), "line 2: its third part may be `sha256:` and 64 hexadecimal digits"),
        (format!("# {good}"), "line 1: there is no key: `pappus key` makes one"),
    ] {
        assert_eq!(said(&keys), format!("PAPPUS_API_KEYS cannot be used: {why}"));
    }
}

#[test]
fn keys_come_out_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.txt");
    let name = path.to_str().unwrap();
    assert!(said(name).starts_with(&format!("PAPPUS_API_KEYS cannot be used: {name}: No such file")));
    let NewKey { key, line } = key(1, Role::Operate, "ada");
    std::fs::write(&path, &line).unwrap();
    assert!(Settings::read(|variable| (variable == "PAPPUS_API_KEYS").then(|| name.to_owned()), None).is_ok());
    // Somebody has taken the one for the other.
    std::fs::write(&path, format!("{line}\n{key}\n")).unwrap();
    assert_eq!(
        said(name),
        format!("PAPPUS_API_KEYS cannot be used: {name}, line 2: it may be `ROLE NAME sha256:DIGEST`")
    );
    let shown = said(&key);
    assert!(shown.starts_with("PAPPUS_API_KEYS cannot be used: it is a key") && !shown.contains(&key), "{shown}");
    assert_eq!(said(&format!("operate ada {key}")), shown);
    std::fs::write(&path, " ".repeat((64 << 10) + 1)).unwrap();
    assert!(said(name).ends_with("it has more than the 65536 bytes that are read"));
}

#[test]
fn a_new_key_is_for_a_name_and_never_the_same() {
    assert_eq!(NewKey::of([1; 32], Role::Operate, "two words"), None);
    assert_eq!(NewKey::of([1; 32], Role::Operate, ""), None);
    let (one, other) = (key(1, Role::Operate, "ada"), key(2, Role::Operate, "ada"));
    assert!(one.key.starts_with("pappus_") && one.key.len() == 7 + 64 && one.key != other.key);
    assert!(one.line.starts_with("operate ada sha256:") && !one.line.contains(&one.key[7..]));
}

proptest! {
    #[test]
    fn whatever_stands_there_is_keys_or_refused(keys in "([a-z#]{0,9} [a-z.]{0,5} (sha256:)?[0-9a-fg]{0,65}\n?){0,4}") {
        _ = Settings::read(|name| (name == "PAPPUS_API_KEYS").then(|| format!("sha256:{keys}")), None).map(|_| ());
    }

    #[test]
    fn whatever_is_sent_is_a_key_or_refused(authorization in "[ -~]{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            asked(Some(&key(1, Role::Operate, "ada").line)).await.send(ROUTES[0], &[("authorization", &authorization)]).await.0
        });
        prop_assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}
