//! Refusals that are heard.
//!
//! A request may be refused before all of its body has been read. To close the connection then would reset it, and a
//! client that is still sending would see a broken connection and never the refusal. So what is left of the body goes on
//! being read and thrown away, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use futures::{Stream, StreamExt as _};

/// The most bytes that are thrown away, and the longest that is spent on it.
const MAX_BYTES: usize = 64 << 20;
const MAX_TIME: Duration = Duration::from_secs(10);

/// Sees to it that the body of a request is read to its end, whatever becomes of the request.
pub(crate) async fn linger(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    // A client that waits to be asked for the body has nothing under way until it is.
    let waits = request.headers().contains_key(header::EXPECT);
    request.map(|body| Body::from_stream(Lingering { rest: Some(body.into_data_stream()), waits }))
}

struct Lingering {
    /// Nothing once it has come to its end.
    rest: Option<BodyDataStream>,
    waits: bool,
}

impl Stream for Lingering {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waits = false;
        let Some(rest) = self.rest.as_mut() else { return Poll::Ready(None) };
        let next = rest.poll_next_unpin(task);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        next
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take().filter(|_| !self.waits) {
            tokio::spawn(tokio::time::timeout(MAX_TIME, discard(rest)));
        }
    }
}

async fn discard(mut rest: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(bytes)) = rest.next().await {
        discarded += bytes.len();
        if discarded > MAX_BYTES {
            return;
        }
    }
}
