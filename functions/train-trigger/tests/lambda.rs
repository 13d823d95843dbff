//! Trainings launched at AWS Lambda: what arrives at its API, and what its refusals mean.
#![cfg(feature = "lambda")]
#![allow(clippy::unwrap_used)] // a test may panic

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use pappus_catalog::contract::samples;
use pappus_domain::Event;
use pappus_domain::event::TrainingRequested;
use pappus_host::{Dispose as _, Disposition, LambdaFunction, bind, serve};
use pappus_train_trigger::lambda::LambdaLauncher;
use pappus_train_trigger::{JobState, Launcher as _};

/// What an invocation brought: the function, the type of the invocation, the payload.
type Got = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

/// Lambda's API, which answers each invocation so, with the type of the error where it is one.
async fn lambda(status: u16, error: &'static str) -> (LambdaLauncher, Got) {
    let got = Got::default();
    let seen = got.clone();
    let invoke = post(async move |Path(function): Path<String>, headers: HeaderMap, body: Bytes| {
        let kind = headers["x-amz-invocation-type"].to_str().unwrap().to_owned();
        seen.lock().unwrap().push((function, kind, body.to_vec()));
        let body = if error.is_empty() { "" } else { r#"{"Message":"no"}"# };
        (StatusCode::from_u16(status).unwrap(), [("x-amzn-errortype", error)], body).into_response()
    });
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    let router = Router::new().route("/2015-03-31/functions/{function}/invocations", invoke);
    tokio::spawn(serve(listener, router, pending()));
    let function = LambdaFunction { name: "pappus-train".into(), region: Some("eu-west-3".into()), endpoint };
    (LambdaLauncher::open(&function).await, got)
}

#[test]
fn with_credentials_in_the_environment() {
    let this = std::env::current_exe().unwrap();
    let mut all = Command::new(this);
    all.args(["--ignored", "--nocapture"]);
    all.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    let ended = all.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("2 passed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn the_function_is_invoked_with_the_event_and_not_waited_for() {
    let (launcher, got) = lambda(202, "").await;
    let request = samples::run(1, "pets").request;
    launcher.launch(&request).await.unwrap();
    let [(function, kind, payload)] = got.lock().unwrap().clone().try_into().unwrap();
    assert_eq!((function.as_str(), kind.as_str()), ("pappus-train", "Event"));
    let event: Event = serde_json::from_slice(&payload).unwrap();
    assert_eq!(event.read::<TrainingRequested>().unwrap(), Some(TrainingRequested { request: request.clone() }));
    let group = "the log group /aws/lambda/pappus-train";
    let JobState::Untold { whereabouts } = launcher.look(request.run).await.unwrap() else { panic!("it says nothing") };
    assert_eq!(whereabouts, group);
    launcher.cancel(request.run).await.unwrap();
    assert!(launcher.logs(request.run, 10).await.unwrap_err().to_string().contains(group));
}

#[tokio::test]
#[ignore = "needs credentials: another test runs it in a process that has some"]
async fn what_can_be_done_about_a_refusal_is_said() {
    for (status, error, disposition, says) in [
        (404, "ResourceNotFoundException", Disposition::Refused, "there is no Lambda function `pappus-train`"),
        (403, "AccessDeniedException", Disposition::Refused, "lambda:InvokeFunction"),
        (413, "RequestTooLargeException", Disposition::Unavailable, "cannot be invoked"),
    ] {
        let (launcher, _) = lambda(status, error).await;
        let refused = launcher.launch(&samples::run(1, "pets").request).await.unwrap_err();
        assert_eq!(refused.disposition(), disposition, "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}
