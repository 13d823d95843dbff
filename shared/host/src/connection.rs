//! One connection: HTTP/1.1 or HTTP/2 without TLS, told apart by its first bytes, and ended without losing a request.
//!
//! hyper-util can tell them apart too, but a connection of its that is told to shut down before it knows, or before it
//! has read anything, drops a request that has been sent.

use std::error::Error;
use std::future::ready;
use std::io::{self, Cursor};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// What a client of HTTP/2 sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What the connections of one server share.
pub(crate) struct Connections {
    /// What answers HTTP/1, and what answers HTTP/2.
    routers: (Router, Router),
    /// From now on an answer of HTTP/1 is the last of its connection.
    last: CancellationToken,
    /// What waits for a request ends.
    closing: CancellationToken,
}

impl Connections {
    pub(crate) fn new(router: Router) -> Self {
        let (last, closing) = (CancellationToken::new(), CancellationToken::new());
        let is_last = last.clone();
        let http1 = router.clone().layer(map_response(move |mut response: Response| {
            if is_last.is_cancelled() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            ready(response)
        }));
        Self { routers: (http1, router), last, closing }
    }

    /// Lets each connection answer once more, and its client know that it was the last time.
    pub(crate) fn last_answers(&self) {
        self.last.cancel();
    }

    /// Ends the connections that wait for a request, and each other one once it has answered.
    pub(crate) fn shut_down(&self) {
        self.closing.cancel();
    }

    /// Answers what one client asks, until there is no more.
    pub(crate) fn serve(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        let (routers, closing) = (self.routers.clone(), self.closing.clone());
        async move {
            if let Err(error) = converse(stream, routers, closing).await {
                tracing::debug!(error = &*error, "a connection ended early");
            }
        }
    }
}

async fn converse(
    mut stream: TcpStream,
    (for_http1, for_http2): (Router, Router),
    closing: CancellationToken,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let begun = tokio::select! {
        biased;
        begun = timeout(HEAD_TIMEOUT, first_bytes(&mut stream)) => begun??,
        () = closing.cancelled() => return Ok(()),
    };
    let is_http2 = begun == PREFACE;
    let (read, write) = stream.into_split();
    let stream = join(Cursor::new(begun).chain(read), write);
    if is_http2 { http2(stream, for_http2, closing).await } else { http1(stream, for_http1, closing).await }?;
    Ok(())
}

/// Reads as much as tells the version: all of HTTP/2's preface, or what differs from it.
async fn first_bytes(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut begun = Vec::with_capacity(PREFACE.len());
    while begun.len() < PREFACE.len() && PREFACE.starts_with(&begun) {
        let wanted = PREFACE.len() - begun.len();
        if (&mut *stream).take(wanted as u64).read_buf(&mut begun).await? == 0 {
            break;
        }
    }
    Ok(begun)
}

async fn http1(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    closing: CancellationToken,
) -> hyper::Result<()> {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // It has read what has come before it is told to end.
        biased;
        ended = connection.as_mut() => return ended,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    closing: CancellationToken,
) -> hyper::Result<()> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.timer(TokioTimer::new());
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
