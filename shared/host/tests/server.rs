//! The HTTP server: both versions of HTTP, and a gentle end.
#![allow(clippy::unwrap_used)] // a test may panic

use std::future::pending;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, Version};
use axum::routing::get;
use http_body_util::BodyExt as _;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pappus_host::{Error, bind, serve};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

fn hello() -> Router {
    Router::new().route("/", get(|version: Version| async move { format!("hello in {version:?}") }))
}

async fn free() -> tokio::net::TcpListener {
    bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

async fn connect(address: SocketAddr) -> TokioIo<TcpStream> {
    TokioIo::new(TcpStream::connect(address).await.unwrap())
}

/// A request over a new connection of HTTP/1.1.
async fn ask(address: SocketAddr) -> hyper::Result<(StatusCode, String)> {
    let (mut sender, connection) = http1::handshake(connect(address).await).await?;
    tokio::spawn(connection);
    let request = Request::get("/").header("host", "test").body(Body::empty()).unwrap();
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8(body.into()).unwrap()))
}

#[tokio::test]
async fn both_versions_of_http_are_answered_on_one_port() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, hello(), pending()));
    assert_eq!(ask(address).await.unwrap(), (StatusCode::OK, "hello in HTTP/1.1".into()));

    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), connect(address).await).await.unwrap();
    tokio::spawn(connection);
    let request = || Request::get(format!("http://{address}/")).body(Body::empty()).unwrap();
    let (one, two) = (sender.send_request(request()), sender.clone().send_request(request()));
    for response in [one.await.unwrap(), two.await.unwrap()] {
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "hello in HTTP/2.0");
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_server_ends() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (entered.clone(), release.clone());
    let slow = get(move || async move {
        enter.notify_one();
        released.notified().await;
        "finished"
    });
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopping = async move { drop(stopped.await) };
    let serving = tokio::spawn(serve(listener, Router::new().route("/", slow), stopping));
    let asking = tokio::spawn(ask(address));
    entered.notified().await;
    stop.send(()).unwrap();
    // Whoever comes now finds nobody listening.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished(), "it waits for the request");
    release.notify_one();
    assert_eq!(asking.await.unwrap().unwrap(), (StatusCode::OK, "finished".into()));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_does_not_keep_the_server_from_ending() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, hello(), async move { drop(stopped.await) }));
    let (mut sender, connection) = http1::handshake(connect(address).await).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/").header("host", "test").body(Body::empty()).unwrap();
    sender.send_request(request).await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap();
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";

/// A connection that the operating system makes by itself, whether or not the server runs meanwhile.
fn dial(address: SocketAddr) -> std::net::TcpStream {
    std::net::TcpStream::connect(address).unwrap()
}

/// All that has been answered, of a server that has ended.
fn answers(mut stream: &std::net::TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

// The tests of stopping run on one thread: what is written before they wait is there before the server hears of the stop.

#[tokio::test]
async fn whoever_has_asked_before_the_stop_is_answered() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, hello(), async move { drop(stopped.await) }));
    let waiting: Vec<_> = (0..100).map(|_| dial(address)).collect();
    for mut stream in &waiting {
        stream.write_all(REQUEST).unwrap();
    }
    stop.send(()).unwrap();
    serving.await.unwrap();
    for stream in &waiting {
        let answer = answers(stream);
        assert!(answer.ends_with("hello in HTTP/1.1"), "{answer:?}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_was_silent_until_the_stop_is_answered() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, hello(), async move { drop(stopped.await) }));
    let mut silent = dial(address);
    // Whoever comes later is accepted later.
    ask(address).await.unwrap();
    stop.send(()).unwrap();
    silent.write_all(REQUEST).unwrap();
    serving.await.unwrap();
    assert!(answers(&silent).ends_with("hello in HTTP/1.1"));
}

#[tokio::test]
async fn a_connection_that_is_kept_is_answered_once_more_and_told() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, hello(), async move { drop(stopped.await) }));
    let mut kept = dial(address);
    kept.write_all(REQUEST).unwrap();
    ask(address).await.unwrap();
    stop.send(()).unwrap();
    kept.write_all(REQUEST).unwrap();
    serving.await.unwrap();
    let answers = answers(&kept);
    assert_eq!(answers.matches("hello in HTTP/1.1").count(), 2, "{answers}");
    assert!(answers.contains("connection: close\r\n"), "{answers}");
}

#[tokio::test]
async fn a_silent_connection_does_not_keep_the_server_from_ending() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, hello(), async move { drop(stopped.await) }));
    let silent = dial(address);
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert_eq!(answers(&silent), "");
}

#[tokio::test]
async fn the_version_is_known_however_its_bytes_come() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, hello(), pending()));
    let mut one = TcpStream::connect(address).await.unwrap();
    one.write_all(b"P").await.unwrap();
    let mut two = TcpStream::connect(address).await.unwrap();
    two.write_all(b"PRI * HTTP/2.0\r\n\r\n").await.unwrap();
    ask(address).await.unwrap();
    one.write_all(b"UT / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    one.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    // The rest of the preface, and an empty frame of settings: the server answers with its own.
    two.write_all(b"SM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    two.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "{frame:?}");
}

#[tokio::test]
async fn bytes_that_are_no_http_end_their_connection_alone() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, hello(), pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Answered or cut off: in any case it ends.
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(ask(address).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let listener = free().await;
    let address = listener.local_addr().unwrap();
    let error = bind(address).await.unwrap_err();
    assert!(matches!(error, Error::PortTaken(taken) if taken == address), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(&format!("port {} of 127.0.0.1 is taken: ", address.port())), "{message}");
    assert!(!error.is_setting());
}

#[tokio::test]
async fn an_address_of_another_machine_cannot_be_listened_on() {
    // TEST-NET-1 of RFC 5737: nobody has it.
    let error = bind(SocketAddr::from(([192, 0, 2, 1], 0))).await.unwrap_err();
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
