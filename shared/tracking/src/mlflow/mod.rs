//! The part of MLflow's REST API that is needed, version 3 of the server.

mod artifacts;
mod exchange;
mod registry;
mod runs;

use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::Method;
use url::Url;

use crate::error::Error;
use crate::server::Server;
pub(crate) use artifacts::{ArtifactRoot, Upload};
use exchange::{Ask, Body, exchange};
pub(crate) use registry::{Registered, RegisteredModel};
pub(crate) use runs::{Figure, Log, TrackedRun};

/// How long an answer may take. Enough for a server that is slow by seconds.
const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// An MLflow server, as far as it is asked by us.
#[derive(Clone, Debug)]
pub(crate) struct Mlflow {
    server: Server,
    agent: Agent,
    /// When the last answer is to be had.
    until: Option<Instant>,
}

impl Mlflow {
    pub(crate) fn new(server: Server) -> Self {
        // A redirect would turn into a GET, whose success says nothing.
        let config = Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
        let config = config.http_status_as_error(false).timeout_connect(Some(CONNECT_TIMEOUT));
        Self { server, agent: config.build().into(), until: None }
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// The same, that begins nothing after a moment, and waits for no answer beyond it.
    pub(crate) fn until(&self, until: Option<Instant>) -> Self {
        Self { until, ..self.clone() }
    }

    async fn get<T: DeserializeOwned>(&self, call: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let mut url = self.server.url(&format!("api/2.0/mlflow/{call}"));
        url.query_pairs_mut().extend_pairs(query);
        self.read(call, &self.ask(Method::GET, call, url, Body::None, PATIENCE).await?)
    }

    async fn post<T: DeserializeOwned>(&self, call: &str, body: &impl Serialize) -> Result<T, Error> {
        self.send(Method::POST, call, body).await
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, call: &str, body: &impl Serialize) -> Result<T, Error> {
        let url = self.server.url(&format!("api/2.0/mlflow/{call}"));
        let body = Body::Json(serde_json::to_vec(body)?);
        self.read(call, &self.ask(method, call, url, body, PATIENCE).await?)
    }

    /// The bytes of an answer, where it says that all went well.
    async fn ask(
        &self,
        method: Method,
        call: &str,
        url: Url,
        body: Body,
        patience: Duration,
    ) -> Result<Vec<u8>, Error> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Error::OutOfTime);
        }
        let patience = left.map_or(patience, |left| left.min(patience));
        let ask = Ask { method, url, body, authorization: self.server.authorization().cloned(), patience };
        let unreachable = |why| Error::Unreachable { server: self.server.to_string(), why };
        exchange(&self.agent, ask).await.map_err(unreachable)?.read(&self.server, call)
    }

    fn read<T: DeserializeOwned>(&self, call: &str, answer: &[u8]) -> Result<T, Error> {
        let strange = |error| {
            let why = format!("it answers `{call}` with what cannot be read: {error}");
            Error::NotMlflow { server: self.server.to_string(), why }
        };
        serde_json::from_slice(answer).map_err(strange)
    }
}

/// An answer that says nothing, or nothing that is needed.
#[derive(Debug, serde::Deserialize)]
struct Nothing {}

/// What was found; nothing where MLflow says that there is no such thing.
fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(Error::Refused { code, .. }) if code == "RESOURCE_DOES_NOT_EXIST" => Ok(None),
        other => other.map(Some),
    }
}

/// Whether it was made now: not where MLflow says that it is there.
fn made<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(Error::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => Ok(None),
        other => other.map(Some),
    }
}
