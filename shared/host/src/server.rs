//! The HTTP host: a listener whose every connection is answered, and drained before it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_request;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::connection::Connections;
use crate::error::Error;
use crate::linger::linger;

/// How long a connection that waits for a request is kept once the server was asked to stop: a request that was sent
/// before its client could know is on the way.
const LAST_REQUESTS: Duration = Duration::from_millis(300);
/// How long requests under way may go on after that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to wait when the operating system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// [`Error::PortTaken`], [`Error::Listen`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::PortTaken(address),
        _ => Error::Listen { address, source },
    })
}

/// From now on, catches what asks the process to stop, SIGTERM and Ctrl-C; completes when it comes.
///
/// # Errors
/// [`Error::Signals`].
pub fn shutdown_signal() -> Result<impl Future<Output = ()>, Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until `stop` completes, then answers every request that has been sent, and ends.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = Connections::new(router.layer(map_request(linger)));
    let open = TaskTracker::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => drop(open.spawn(connections.serve(stream))),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.last_answers();
    for stream in last_connections(listener) {
        open.spawn(connections.serve(stream));
    }
    open.close();
    if timeout(LAST_REQUESTS, open.wait()).await.is_err() {
        connections.shut_down();
    }
    if timeout(DRAIN_TIMEOUT, open.wait()).await.is_err() {
        tracing::warn!("requests were cut off: they took too long to finish");
    }
}

/// Closes a listener. The connections that the operating system has accepted already, which it would reset, are
/// returned.
fn last_connections(listener: TcpListener) -> Vec<TcpStream> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    // It does not block: it ends when nobody waits.
    std::iter::from_fn(|| listener.accept().ok())
        .filter_map(|(stream, _)| {
            stream.set_nonblocking(true).ok()?;
            TcpStream::from_std(stream).ok()
        })
        .collect()
}
