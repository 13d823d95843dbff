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

/// A broker that delivers every event twice, as one that may deliver more than once may do at any time.
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
    /// What waits until the test has it delivered; nothing where all is delivered at once.
    held: Option<Mutex<Held>>,
    /// What became of each delivery, in order: the type of the event and the last status.
    delivered: Mutex<Vec<(String, u16)>>,
}

/// Deliveries that wait, the newest last.
#[derive(Debug, Default)]
struct Held {
    first: Vec<Delivery>,
    again: Vec<Delivery>,
}

#[derive(Clone, Debug)]
struct Delivery {
    kind: String,
    to: SocketAddr,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
}

impl Broker {
    /// A broker on a free port of this machine that delivers what comes twice at the same time.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn start() -> Result<Self> {
        Self::with(None)
    }

    /// One that holds back what comes, for [`Broker::deliver_late`].
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn holding() -> Result<Self> {
        Self::with(Some(Mutex::default()))
    }

    fn with(held: Option<Mutex<Held>>) -> Result<Self> {
        let shared = Arc::new(Shared { held, ..Shared::default() });
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

    /// Delivers what is held back, and what comes meanwhile, one after another until nothing is left: always the newest, so
    /// that an event comes after those that follow from others, and each once more when all have come, the newest first.
    pub fn deliver_late(&self) {
        while let Some(delivery) = self.shared.newest() {
            self.shared.deliver(&delivery);
        }
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

    /// The types of the events that were delivered, in the order in which that was done.
    pub fn order(&self) -> Vec<String> {
        lock(&self.shared.delivered).iter().map(|(kind, _)| kind.clone()).collect()
    }
}

impl Shared {
    fn take(self: &Arc<Self>, headers: &HeaderMap, body: &Bytes) {
        let kind = headers.get("ce-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        lock(&self.taken).push(kind.to_owned());
        let headers: Vec<(HeaderName, String)> = headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("ce-") || *name == "content-type")
            .filter_map(|(name, value)| Some((name.clone(), value.to_str().ok()?.to_owned())))
            .collect();
        for to in lock(&self.triggers).get(kind).cloned().unwrap_or_default() {
            let delivery = Delivery { kind: kind.into(), to, headers: headers.clone(), body: body.clone() };
            if let Some(held) = &self.held {
                let mut held = lock(held);
                held.first.push(delivery.clone());
                held.again.push(delivery);
                continue;
            }
            for delivery in [delivery.clone(), delivery] {
                let shared = self.clone();
                thread::spawn(move || shared.deliver(&delivery));
            }
        }
    }

    fn newest(&self) -> Option<Delivery> {
        let mut held = lock(self.held.as_ref()?);
        held.first.pop().or_else(|| held.again.pop())
    }

    fn deliver(&self, delivery: &Delivery) {
        let status = delivery.deliver().unwrap_or_default();
        lock(&self.delivered).push((delivery.kind.clone(), status));
    }
}

impl Delivery {
    /// Delivers until the status says that it is done, or will never be.
    fn deliver(&self) -> Result<u16> {
        let mut last = None;
        for attempt in 0..TRIES {
            let request = agent().post(format!("http://{}/", self.to));
            let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
            if let Ok(answer) = request.send(&self.body[..]) {
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
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
