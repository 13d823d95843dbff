//! A function hosted by AWS Lambda: a process of its own, whose runtime API is played by the test.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::file;
use pappus_domain::Event;
use pappus_host::{App, Disposition, Failure, Invoked, NewKey, OnEvent, Operator, Outcome, Role, RuntimeApi};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

struct Echo;

#[async_trait]
impl OnEvent for Echo {
    fn kinds(&self) -> Vec<&'static str> {
        vec!["io.pappus.object.created", "io.pappus.model.trained"]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        match event.subject.as_deref() {
            Some("incoming/grass/1.jpg") => Err(Failure::new(Disposition::Unavailable, "the store is away")),
            _ => Ok(Outcome::event(Event { kind: "echo".into(), ..event })),
        }
    }

    async fn wake(&self) {
        eprintln!("woken");
    }

    async fn flush(&self) {
        eprintln!("flushed");
    }
}

#[test]
#[ignore = "the other tests run it, in a process of its own"]
fn host_a_function() {
    let code = pappus_host::run(
        |_| pappus_host::Access::Write,
        async |_| {
            let echo = post(|headers: HeaderMap, body: Bytes| async move {
                let id = headers.get("x-request-id").unwrap().to_str().unwrap().to_owned();
                ([("x-seen-id", id), ("set-cookie", "a=b".into())], body)
            });
            let router = Router::new().route("/echo", echo).route("/model/info", get(|| async { "info" }));
            let router = router.route("/who", post(|operator: Operator| async move { operator.name().to_owned() }));
            Ok(App { name: "echo", router, on_event: Arc::new(Echo) })
        },
    );
    eprintln!("ended with {code:?}");
}

/// The function where Lambda's runtime API is.
struct Lambda {
    api: RuntimeApi,
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    _home: tempfile::TempDir,
}

async fn lambda(variables: &[(&str, &str)]) -> Lambda {
    let api = RuntimeApi::start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "host_a_function", "--ignored", "--nocapture"]).env("PAPPUS_HOME", home.path());
    command.envs(api.variables("echo")).envs(variables.iter().copied());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    Lambda { api, child, lines, _home: home }
}

impl Lambda {
    async fn invoke(&mut self, payload: impl ToString) -> (String, Value) {
        let Invoked { how, json, .. } = self.api.invoke(payload.to_string()).await.unwrap();
        (how, json)
    }

    /// An HTTP request as a function URL sends it; status, headers and body of the answer.
    async fn ask(&mut self, change: impl FnOnce(&mut Value)) -> (u64, Value, String) {
        let mut payload: Value = serde_json::from_str(&file("function-url-predict")).unwrap();
        payload["rawPath"] = json!("/echo");
        change(&mut payload);
        let (how, json) = self.invoke(payload).await;
        assert_eq!(how, "response", "{json}");
        let body = json["body"].as_str().unwrap().to_owned();
        (json["statusCode"].as_u64().unwrap(), json.clone(), body)
    }

    async fn until(&mut self, text: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended without `{text}`");
    }
}

#[tokio::test]
async fn events_of_every_source_are_answered() {
    let mut lambda = lambda(&[]).await;
    let (how, json) = lambda.invoke(file("cloudevent-structured")).await;
    assert_eq!(
        (how.as_str(), &json["type"], &json["data"]["model"]),
        ("response", &json!("echo"), &json!("classifier"))
    );
    let (how, json) = lambda.invoke(file("s3-test-event")).await;
    assert_eq!((how.as_str(), json), ("response", Value::Null));
    let (_, json) = lambda.invoke(file("s3-put")).await;
    assert_eq!(json["subject"], "incoming/dandelion/phone 1/löwenzahn+2.jpg");
    let (_, json) = lambda.invoke(file("cloudevents-batch")).await;
    assert_eq!(json.as_array().unwrap().len(), 2);
    // A queue and a log hear no answer, and what follows can be told nobody else: so it is not done.
    let (how, json) = lambda.invoke(file("sqs-s3")).await;
    assert_eq!((how.as_str(), json["batchItemFailures"].as_array().unwrap().len()), ("response", 2));
    let (how, json) = lambda.invoke(file("kafka-cloudevent")).await;
    assert_eq!((how.as_str(), &json["errorType"]), ("error", &json!("Unavailable")));
    lambda.until("woken").await;
    lambda.until("flushed").await;
}

#[tokio::test]
async fn a_failing_event_is_an_error_with_a_stable_name() {
    let mut lambda = lambda(&[]).await;
    for (payload, kind, says) in [
        (file("s3-two-objects"), "Unavailable", "the store is away"),
        (file("s3-removed"), "Refused", "ObjectRemoved:Delete"),
        (file("eventbridge-schedule"), "Refused", "`io.pappus.schedule` are not taken here"),
        (json!({ "hello": "world" }).to_string(), "Refused", "this is no event that is known here"),
        ("7".into(), "Refused", "7"),
        (json!({ "requestContext": { "elb": {} } }).to_string(), "", "this is no request of payload format 2.0"),
    ] {
        let (how, json) = lambda.invoke(payload).await;
        if kind.is_empty() {
            assert_eq!((how.as_str(), &json["statusCode"]), ("response", &json!(400)));
            assert!(json["body"].as_str().unwrap().contains(says), "{json}");
            continue;
        }
        assert_eq!((how.as_str(), &json["errorType"]), ("error", &json!(kind)), "{json}");
        assert!(json["errorMessage"].as_str().unwrap().contains(says), "{json}");
    }
    let (how, _) = lambda.invoke(file("cloudevent-structured")).await;
    assert_eq!(how, "response", "it goes on");
}

#[tokio::test]
async fn requests_are_answered_as_over_http() {
    let mut lambda = lambda(&[]).await;
    let (status, json, body) = lambda.ask(|_| {}).await;
    assert_eq!((status, json["isBase64Encoded"].as_bool()), (200, Some(true)), "bytes that are no text");
    assert!(STANDARD.decode(body).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(
        (&json["cookies"], &json["headers"]["x-seen-id"]),
        (&json!(["a=b"]), &json!("8476a536-e9f4-11e8-9739-2dfe598c3fcd"))
    );
    assert_eq!(json["headers"].get("set-cookie"), None);

    let plain = |payload: &mut Value| {
        payload["body"] = json!("grüße");
        payload["isBase64Encoded"] = json!(false);
        payload["headers"]["x-request-id"] = json!("mine");
    };
    let (status, json, body) = lambda.ask(plain).await;
    assert_eq!((status, body.as_str(), &json["headers"]["x-request-id"]), (200, "grüße", &json!("mine")));

    let (status, _, body) = lambda.ask(|payload| payload["body"] = json!("not base64!")).await;
    assert!(status == 400 && body.contains("is said to be base64 and is not"), "{status} {body}");
    let (status, _, body) = lambda.ask(|payload| payload["rawPath"] = json!("/a b")).await;
    assert!(status == 400 && body.contains("this is no request"), "{status} {body}");
    let (status, _, body) = lambda.ask(|payload| payload["rawPath"] = json!("/nowhere")).await;
    assert!(status == 404 && body.contains("there is no route POST /nowhere"), "{status} {body}");
    // As cargo-lambda's emulator sends it, and as it wants to be answered.
    let nothing = |payload: &mut Value| {
        payload["rawQueryString"] = Value::Null;
        payload["cookies"] = Value::Null;
    };
    let (status, json, _) = lambda.ask(nothing).await;
    assert_eq!((status, json["cookies"].is_array()), (200, true));
    let (how, json) = lambda.invoke(file("function-url-info")).await;
    assert_eq!((how.as_str(), &json["body"]), ("response", &json!("info")));
    let (_, json) = lambda.invoke(file("api-gateway-stage")).await;
    assert_eq!(json["statusCode"], 200, "the stage is no part of the path");

    let event = |payload: &mut Value| {
        payload["rawPath"] = json!("/events");
        payload["headers"]["content-type"] = json!("application/cloudevents+json");
        payload["body"] = json!(file("cloudevent-structured"));
        payload["isBase64Encoded"] = json!(false);
    };
    let (status, _, body) = lambda.ask(event).await;
    assert!(status == 403 && body.contains("POST /events is for operators"), "whoever sends it is not known: {body}");
    // An event that comes by HTTP, from somebody whom IAM has let in, is an event.
    let (status, _, body) = lambda
        .ask(|payload| {
            event(payload);
            by_iam(payload)
        })
        .await;
    let (_, direct) = lambda.invoke(file("cloudevent-structured")).await;
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, direct));
}

/// What a function URL adds that asks IAM who may.
fn by_iam(payload: &mut Value) {
    payload["requestContext"]["authorizer"] = json!({ "iam": {
        "accessKey": "AKIAEXAMPLE", "accountId": "123456789012", "callerId": "AIDAEXAMPLE", "cognitoIdentity": null,
        "principalOrgId": null, "userArn": "arn:aws:iam::123456789012:user/ada", "userId": "AIDAEXAMPLE",
    } });
}

#[tokio::test]
async fn callers_are_known_by_iam_or_by_key() {
    let key = NewKey::of([7; 32], Role::Operate, "ada").unwrap();
    let at = |path: &'static str| move |payload: &mut Value| payload["rawPath"] = json!(path);
    let mut lambda = lambda(&[("PAPPUS_API_KEYS", &key.line)]).await;
    let (status, _, body) = lambda.ask(at("/who")).await;
    assert!(status == 401 && body.contains("send a key"), "{status} {body}");
    let (status, _, _) = lambda
        .ask(|payload| {
            at("/metrics")(payload);
            payload["requestContext"]["http"]["method"] = json!("GET")
        })
        .await;
    assert_eq!(status, 401, "nor may just anybody look");
    let (status, _, body) = lambda
        .ask(|payload| {
            at("/who")(payload);
            by_iam(payload)
        })
        .await;
    assert_eq!((status, body.as_str()), (200, "arn:aws:iam::123456789012:user/ada"));
    let bearer = format!("Bearer {}", key.key);
    let (status, _, body) = lambda
        .ask(|payload| {
            at("/who")(payload);
            payload["headers"]["authorization"] = json!(bearer)
        })
        .await;
    assert_eq!((status, body.as_str()), (200, "ada"));
    // What API Gateway's other authorizers add is not IAM's word.
    let jwt = |payload: &mut Value| {
        at("/who")(payload);
        payload["requestContext"]["authorizer"] = json!({ "jwt": { "claims": { "sub": "eve" } } });
    };
    assert_eq!(lambda.ask(jwt).await.0, 401);
}

#[tokio::test]
async fn what_is_buffered_is_written_when_the_environment_ends() {
    let mut lambda = lambda(&[]).await;
    lambda.invoke(file("s3-test-event")).await;
    let line = lambda.until("ready for invocations").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["service"], &line["revision"]), (&json!("echo"), &json!("1")), "lines are for machines");
    lambda.until("flushed").await;
    let id = lambda.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    lambda.until("flushed").await;
    assert!(lambda.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_wrong_setting_ends_the_initialisation() {
    let mut lambda = lambda(&[("PAPPUS_EVENTS", "local:")]).await;
    let mut said = String::new();
    lambda.lines.get_mut().read_to_string(&mut said).await.unwrap();
    assert!(said.contains("error: PAPPUS_EVENTS is `local:`") && said.contains("(2)"), "{said}");
}
