//! One request and its answer.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;
use ureq::http::{HeaderValue, Method, Request, header};
use ureq::{Agent, SendBody};
use url::Url;

use crate::error::Error;
use crate::server::Server;

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: u64 = 16 << 20;
/// Characters of an answer that is not MLflow's, to be shown.
const SHOWN: usize = 200;

/// A request.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Body,
    pub(super) authorization: Option<HeaderValue>,
    /// How long it may take, to the end of the answer.
    pub(super) patience: Duration,
}

/// What a request carries.
pub(super) enum Body {
    None,
    Json(Vec<u8>),
    File { size: u64, bytes: Box<dyn Read + Send> },
}

/// An answer.
pub(super) struct Answer {
    status: u16,
    location: Option<String>,
    bytes: Vec<u8>,
}

/// How MLflow says that something went wrong.
#[derive(Deserialize)]
struct Complaint {
    error_code: String,
    #[serde(default)]
    message: String,
}

/// Asks. The error is what was seen instead of an answer.
pub(super) async fn exchange(agent: &Agent, ask: Ask) -> Result<Answer, String> {
    let (agent, patience) = (agent.clone(), ask.patience);
    let (sender, answer) = oneshot::channel();
    // A thread of its own, not one of the runtime's: a process that ends does not wait for those it has started itself.
    let begun = thread::Builder::new().name("mlflow".into()).spawn(move || {
        // Whoever asked may have gone.
        let _ = sender.send(exchange_now(&agent, ask));
    });
    begun.map_err(|error| format!("no thread to ask from: {error}"))?;
    match timeout(patience, answer).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(_)) => Err("the thread that asked has ended".into()),
        Err(_) => Err(format!("no answer within {:.1} s", patience.as_secs_f64())),
    }
}

fn exchange_now(agent: &Agent, ask: Ask) -> Result<Answer, String> {
    let said = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => format!("no answer within {:.1} s", ask.patience.as_secs_f64()),
        other => other.to_string(),
    };
    let mut request = Request::builder().method(ask.method).uri(ask.url.as_str());
    if let Some(authorization) = ask.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let body = match ask.body {
        Body::None => SendBody::none(),
        Body::Json(json) => {
            request =
                request.header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_LENGTH, json.len());
            SendBody::from_owned_reader(io::Cursor::new(json))
        }
        Body::File { size, bytes } => {
            request =
                request.header(header::CONTENT_TYPE, "application/octet-stream").header(header::CONTENT_LENGTH, size);
            SendBody::from_owned_reader(bytes)
        }
    };
    let request = request.body(body).map_err(|error| error.to_string())?;
    let request = agent.configure_request(request).timeout_global(Some(ask.patience)).build();
    let mut response = agent.run(request).map_err(said)?;
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let bytes = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(said)?;
    Ok(Answer { status, location, bytes })
}

impl Answer {
    /// The bytes of an answer that says that all went well.
    pub(super) fn read(self, server: &Server, call: &str) -> Result<Vec<u8>, Error> {
        let Self { status, location, bytes } = self;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        let (server, call) = (server.to_string(), call.to_owned());
        let complaint = serde_json::from_slice::<Complaint>(&bytes).ok();
        let why = match &complaint {
            Some(Complaint { error_code, message }) => format!("{error_code}: {}", shown(message)),
            None => format!("{status} {}", shown(&String::from_utf8_lossy(&bytes))).trim_end().to_owned(),
        };
        Err(match (status, complaint) {
            (300..400, _) => {
                Error::NotMlflow { server, why: format!("{status}, go to {}", location.unwrap_or_default()) }
            }
            (401 | 403 | 407, _) => Error::Denied { server, why },
            (408 | 425 | 429 | 502 | 503 | 504, _) => Error::Unreachable { server, why },
            (400..500, Some(complaint)) => Error::Refused { call, code: complaint.error_code, why },
            // No route of MLflow: some other server, or a proxy that leads elsewhere.
            (404 | 405, None) => Error::NotMlflow { server, why },
            (400..500, None) => Error::Refused { call, code: String::new(), why },
            _ => Error::Failed { call, why },
        })
    }
}

/// The first line of a text, or what fits on one.
fn shown(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().take(SHOWN).collect()
}
