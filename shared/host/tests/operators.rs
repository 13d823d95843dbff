//! What changes things is for those who may.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use common::{context, function, send};
use pappus_host::{App, Hosted, Operator, Outlet};

#[tokio::test]
async fn a_host_that_knows_nobody_lets_nobody_change_anything() {
    let (context, _home) = context().await;
    let change = post(|_: Operator| async { StatusCode::NO_CONTENT }).get(|| async { "as it is" });
    let routes = Router::new().route("/thing", change).route("/other", get(|| async {}));
    let app = App { router: routes, ..function(|_| Ok(Vec::new())) };
    let alone = Hosted::new(app, context, Outlet::Answered).router();
    let ask = |router: &Router, method, path| {
        send(router.clone(), Request::builder().method(method).uri(path).body(Body::empty()).unwrap())
    };
    let (status, answer) = ask(&alone, "POST", "/thing").await;
    let said = "POST /thing is for operators, and who is one is not known here: `pappus up` answers it, which only its \
                own machine can reach";
    assert_eq!((status, answer["detail"].as_str()), (StatusCode::FORBIDDEN, Some(said)));
    assert_eq!(ask(&alone, "GET", "/thing").await.0, StatusCode::OK, "whoever asks may look");
    let together = Operator::everybody(alone);
    assert_eq!(ask(&together, "POST", "/thing").await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(&together, "GET", "/other").await.0, StatusCode::OK);
}
