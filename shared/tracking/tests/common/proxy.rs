//! What stands before an MLflow server, and spoils what it is told to.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};

use super::fake::{Fake, Reply};

/// The server itself.
#[derive(Clone, Debug)]
pub enum Upstream {
    Fake(Arc<Fake>),
    Real(String),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Pass,
    /// It never comes to the server, and the connection breaks.
    Lost,
    /// The server does as it is asked, and its answer is lost.
    AnswerLost,
    /// The server says this, and does nothing.
    Says(u16, &'static str),
    /// No answer ever comes.
    Hangs,
}

type Fates = Box<dyn Fn(usize, &str) -> Fate + Send>;

/// A server behind a proxy.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    upstream: Upstream,
    fates: Mutex<Fates>,
    /// Method and path of each request, and who asked.
    seen: Mutex<Vec<(String, Option<String>)>>,
}

impl Proxy {
    pub async fn before(upstream: Upstream) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let fates: Fates = Box::new(|_, _| Fate::Pass);
        let shared = Arc::new(Shared { upstream, fates: Mutex::new(fates), seen: Mutex::default() });
        let app = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shared, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, decides on each request by its number, from 0, and its method and path.
    pub fn decide(&self, fates: impl Fn(usize, &str) -> Fate + Send + 'static) {
        *self.shared.fates.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(fates);
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The requests since the last decision.
    pub fn seen(&self) -> Vec<(String, Option<String>)> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let what = format!("{method} {}", uri.path());
    let who = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let number = {
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((what.clone(), who));
        seen.len() - 1
    };
    let fate = shared.fates.lock().unwrap_or_else(PoisonError::into_inner)(number, &what);
    match fate {
        Fate::Lost => return broken(),
        Fate::Says(status, text) => return (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Fate::Hangs => pending().await,
        Fate::Pass | Fate::AnswerLost => {}
    }
    let (status, bytes) = match shared.upstream.clone() {
        Upstream::Fake(fake) => fake.answer(method.as_str(), uri.path(), &query, &body),
        Upstream::Real(url) => {
            let url = format!("{url}{uri}");
            spawn_blocking(move || forward(&method, &url, &headers, &body)).await.unwrap()
        }
    };
    if fate == Fate::AnswerLost { broken() } else { (StatusCode::from_u16(status).unwrap(), bytes).into_response() }
}

/// A connection that breaks before the answer is whole.
fn broken() -> Response {
    let cut = futures::stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    Body::from_stream(cut).into_response()
}

fn forward(method: &Method, url: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method.as_str()).uri(url);
    if let Some(value) = headers.get("content-type") {
        request = request.header("content-type", value.as_bytes());
    }
    let body = if method == Method::GET { Vec::new() } else { body.to_vec() };
    let mut response = match body.is_empty() {
        true => agent.run(request.body(()).unwrap()),
        false => agent.run(request.body(body).unwrap()),
    }
    .unwrap();
    let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    (response.status().as_u16(), bytes)
}
