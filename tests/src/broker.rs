//! A broker as Knative's: takes CloudEvents, and delivers each to those whose trigger names its type.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::post;
use tokio::runtime::Runtime;

use crate::http::agent;

/// Tries of one delivery, and the pause before the second; each further one is twice as long.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A broker that delivers every event twice at once, as one that may deliver more than once may do at any time.
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    address: SocketAddr,
    // Ends the server when dropped.
    _runtime: Runtime,
}

#[derive(Debug, Default)]
struct Shared {
    triggers: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
    /// The types of the events that came.
    taken: Mutex<Vec<String>>,
    /// What became of each delivery: the type of the event and the last status.
    delivered: Mutex<Vec<(String, u16)>>,
}

impl Broker {
    /// A broker on a free port of this machine.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let taking = shared.clone();
        let take = post(async move |headers: HeaderMap, body: Bytes| {
            taking.take(&headers, &body);
            StatusCode::ACCEPTED
        });
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(pappus_host::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
        let address = listener.local_addr()?;
        runtime.spawn(pappus_host::serve(listener, Router::new().route("/", take), std::future::pending()));
        Ok(Self { shared, address, _runtime: runtime })
    }

    /// What a function's `K_SINK` names.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on, delivers events of a type to a function.
    pub fn trigger(&self, kind: &str, to: SocketAddr) {
        lock(&self.shared.triggers).entry(kind.into()).or_default().push(to);
    }

    /// How many events of a type have come.
    pub fn taken(&self, kind: &str) -> usize {
        lock(&self.shared.taken).iter().filter(|of| *of == kind).count()
    }

    /// How the deliveries of events of a type ended: their last statuses.
    pub fn delivered(&self, kind: &str) -> Vec<u16> {
        let delivered = lock(&self.shared.delivered);
        delivered.iter().filter(|(of, _)| of == kind).map(|(_, status)| *status).collect()
    }
}

impl Shared {
    fn take(self: &Arc<Self>, headers: &HeaderMap, body: &Bytes) {
        let kind = headers.get("ce-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        lock(&self.taken).push(kind.clone());
        let sent: Vec<(HeaderName, String)> = headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("ce-") || *name == "content-type")
            .filter_map(|(name, value)| Some((name.clone(), value.to_str().ok()?.to_owned())))
            .collect();
        let takers = lock(&self.triggers).get(&kind).cloned().unwrap_or_default();
        for to in takers.into_iter().flat_map(|to| [to, to]) {
            let (shared, kind, sent, body) = (self.clone(), kind.clone(), sent.clone(), body.clone());
            thread::spawn(move || {
                let status = deliver(to, &sent, &body).unwrap_or_default();
                lock(&shared.delivered).push((kind, status));
            });
        }
    }
}

/// Delivers until the status says that it is done, or will never be.
fn deliver(to: SocketAddr, headers: &[(HeaderName, String)], body: &[u8]) -> Result<u16> {
    let mut last = None;
    for attempt in 0..TRIES {
        let request = agent().post(format!("http://{to}/"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        if let Ok(answer) = request.send(body) {
            let status = answer.status().as_u16();
            if !matches!(status, 404 | 409 | 429 | 500..) {
                return Ok(status);
            }
            last = Some(status);
        }
        thread::sleep(FIRST_PAUSE * 2_u32.pow(attempt));
    }
    last.context("nobody answered")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
