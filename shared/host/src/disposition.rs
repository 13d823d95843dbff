//! What a failure means to whoever caused it: the one table from errors to HTTP statuses.

use std::error::Error as StdError;
use std::fmt;

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pappus_domain::event::BadEvent;
use serde_json::json;

/// How a key may be sent.
const CHALLENGE: &str = "Bearer, Basic realm=\"pappus\"";

/// What a failure means to the caller, and to a broker that may deliver again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The request or event itself is wrong; again would be wrong again.
    Refused,
    /// It is larger than allowed.
    TooLarge,
    /// It is of a type that is not read.
    WrongType,
    /// Nobody knows who asks.
    Unauthorized,
    /// Whoever asks may not.
    Forbidden,
    /// What it asks for is not there.
    Absent,
    /// Something else stands against it now.
    Conflict,
    /// Too much is under way: again in a moment.
    Overloaded,
    /// Something that it needs is not there now: again later.
    Unavailable,
    /// A fault of ours.
    Fault,
}

impl Disposition {
    /// The HTTP status. A broker drops an event on 400, 401, 403, 413 and 415, and delivers it again on the rest.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Refused => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Absent => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A stable name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "Refused",
            Self::TooLarge => "TooLarge",
            Self::WrongType => "WrongType",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::Absent => "Absent",
            Self::Conflict => "Conflict",
            Self::Overloaded => "Overloaded",
            Self::Unavailable => "Unavailable",
            Self::Fault => "Fault",
        }
    }

    /// Whether the same again may succeed.
    pub const fn is_worth_repeating(self) -> bool {
        matches!(self, Self::Conflict | Self::Overloaded | Self::Unavailable | Self::Fault)
    }
}

/// An error that knows what it means to the caller.
pub trait Dispose: StdError + Send + Sync + 'static {
    /// What it means.
    fn disposition(&self) -> Disposition;
}

impl Dispose for pappus_catalog::Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::ReleaseMoved { .. } => Disposition::Conflict,
            _ => Disposition::Unavailable,
        }
    }
}

impl Dispose for BadEvent {
    fn disposition(&self) -> Disposition {
        Disposition::Refused
    }
}

impl Dispose for pappus_objects::Error {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NotFound { .. } => Disposition::Absent,
            Self::AlreadyExists { .. } => Disposition::Conflict,
            Self::TooLarge { .. } => Disposition::TooLarge,
            Self::Busy { .. } => Disposition::Overloaded,
            _ => Disposition::Unavailable,
        }
    }
}

/// Any function's error, with what it means. Its text is the whole chain of causes, outermost first, in one line.
#[derive(Debug)]
pub struct Failure {
    disposition: Disposition,
    source: Box<dyn StdError + Send + Sync>,
}

impl Failure {
    /// A failure that is one sentence.
    pub fn new(disposition: Disposition, message: impl Into<String>) -> Self {
        Self { disposition, source: message.into().into() }
    }

    /// A fault of ours, whatever it is.
    pub fn from_error(error: impl StdError + Send + Sync + 'static) -> Self {
        Self { disposition: Disposition::Fault, source: Box::new(error) }
    }

    /// What it means.
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// The failure of a delivery. That something is not there is said as a refusal: a broker takes 404 for its own
    /// mistake, and would try again.
    pub(crate) fn of_delivery(self) -> Self {
        match self.disposition {
            Disposition::Absent => Self { disposition: Disposition::Refused, ..self },
            _ => self,
        }
    }

    /// Of two failures of one delivery, that which asks for another: what can still succeed is not to be lost because
    /// something beside it cannot.
    pub(crate) fn worse(one: Option<Self>, other: Self) -> Self {
        match one {
            Some(one) if one.disposition.is_worth_repeating() || !other.disposition.is_worth_repeating() => one,
            _ => other,
        }
    }
}

impl<E: Dispose> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { disposition: error.disposition(), source: Box::new(error) }
    }
}

/// The answer where there is no route.
pub(crate) async fn unknown_route(request: Request) -> Failure {
    let what = format!("there is no route {} {}: `GET /` tells where to begin", request.method(), request.uri().path());
    Failure::new(Disposition::Absent, what)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = one_line(&self.source);
        f.write_str(&said)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let text = one_line(error);
            // Some errors end with what their cause says.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}

/// Libraries also fail in several lines.
fn one_line(text: impl fmt::Display) -> String {
    text.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.disposition.status();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), error = %self, "request failed");
        }
        let answer = (status, Json(json!({ "detail": self.to_string() })));
        match self.disposition {
            Disposition::Unauthorized => ([(header::WWW_AUTHENTICATE, CHALLENGE)], answer).into_response(),
            _ => answer.into_response(),
        }
    }
}
