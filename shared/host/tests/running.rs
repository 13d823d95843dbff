//! A function hosted as it is in production: a process of its own, with settings from the environment.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use pappus_domain::Event;
use pappus_host::{App, Disposition, Failure, OnEvent, Outcome};

/// Makes a second event of a first one, and says what it does on standard error.
struct Chain;

#[async_trait]
impl OnEvent for Chain {
    fn kinds(&self) -> Vec<&'static str> {
        vec!["first", "bad"]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        eprintln!("handled {}", event.kind);
        match event.kind.as_str() {
            "first" => Ok(Outcome::event(common::event("second"))),
            _ => Err(Failure::new(Disposition::Refused, "a bad event")),
        }
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
            let router = Router::new().route("/hello", get(|| async { "hello" }));
            Ok(App { name: "chain", router, on_event: Arc::new(Chain) })
        },
    );
    eprintln!("ended with {code:?}");
}

/// The function in a process of its own.
fn host(home: &Path, variable: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "host_a_function", "--ignored", "--nocapture"]).env("PAPPUS_HOME", home);
    command.env(variable, value).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// What a function says that cannot be hosted.
fn refused(home: &Path, variable: &str, value: &str) -> String {
    String::from_utf8(host(home, variable, value).output().unwrap().stderr).unwrap()
}

/// Reads on until a line has this in it; what was read, line by line.
fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) -> Result<String, Vec<String>> {
    let mut read = Vec::new();
    for line in lines {
        let line = line.unwrap();
        if line.contains(text) {
            return Ok(line);
        }
        read.push(line);
    }
    Err(read)
}

/// Sends a request and returns all that comes back.
fn send(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn event(kind: &str) -> String {
    let headers = "host: test\nconnection: close\nce-specversion: 1.0\nce-id: 7\nce-source: /test\ncontent-length: 2";
    format!("POST /events HTTP/1.1\n{headers}\nce-type: {kind}\n\n{{}}")
}

#[test]
fn a_function_answers_handles_events_and_ends_when_it_is_asked_to() {
    let home = tempfile::tempdir().unwrap();
    let (mut child, port, mut lines) = loop {
        // A port that was free a moment ago; where somebody else was quicker, another one.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = host(home.path(), "PORT", &port.to_string()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        match until(&mut lines, "listening") {
            Ok(_) => break (child, port, lines),
            Err(read) => assert!(read.iter().any(|line| line.contains("is taken")), "{read:?}"),
        }
        child.wait().unwrap();
    };
    let hello = send(port, "GET /hello HTTP/1.1\nhost: test\nconnection: close\n\n");
    assert!(hello.starts_with("HTTP/1.1 200 ") && hello.ends_with("hello"), "{hello}");
    assert!(send(port, "GET /no HTTP/1.1\nhost: test\nconnection: close\n\n").starts_with("HTTP/1.1 404 "));
    let wrong = send(port, "GET /events HTTP/1.1\nhost: test\nconnection: close\n\n");
    assert!(wrong.starts_with("HTTP/1.1 405 ") && wrong.contains("allow: POST"), "{wrong}");
    assert!(wrong.contains("/events does not answer GET"), "{wrong}");

    let first = send(port, &event("first"));
    assert!(
        first.starts_with("HTTP/1.1 200 ") && first.contains(r#""type":"second""#),
        "what follows answers: {first}"
    );
    until(&mut lines, "handled first").unwrap();
    let bad = send(port, &event("bad"));
    assert!(bad.starts_with("HTTP/1.1 400 ") && bad.contains("a bad event"), "{bad}");

    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    until(&mut lines, "flushed").expect("what is buffered is finished");
    let end = until(&mut lines, "ended with").unwrap();
    assert!(end.contains("(0)"), "{end}");
    assert!(child.wait().unwrap().success());
    assert!(home.path().join("catalog.db").is_file());
}

#[test]
fn a_wrong_setting_ends_with_2_and_one_line_that_names_it() {
    let home = tempfile::tempdir().unwrap();
    for (variable, value) in [
        ("PORT", "http"),
        ("PAPPUS_EVENTS", "local:"),
        ("PAPPUS_EVENTS", "here"),
        ("PAPPUS_CATALOG", "postgres://host/db"),
        ("PAPPUS_OBJECTS", "s3://bucket"),
        ("PAPPUS_LOG", "=====\u{1}"),
    ] {
        let said = refused(home.path(), variable, value);
        assert!(said.contains(&format!("error: {variable} ")), "{said}");
        assert!(said.contains("ended with") && said.contains("(2)"), "{said}");
    }
}

#[test]
fn a_port_that_is_taken_ends_with_1_and_names_it() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refused(home.path(), "PORT", &port);
    assert!(said.contains(&format!("error: port {port} of ")), "{said}");
    assert!(said.contains("ended with") && said.contains("(1)"), "{said}");
}
