//! Why a request failed, and what that means to whoever made it.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::address::Address;
use crate::error::Source;
use crate::{Error, Key};

const NO_CREDENTIALS: &str =
    "there are none: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role";

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server answered that it will not, or cannot.
    Answered(Answer),
    /// There is nothing to sign with.
    Unsigned(Source),
    /// There was no answer, or half of one.
    Silent(Source),
}

/// An answer that is an error. It has nothing of the answer's own text but a message for people: servers repeat in it
/// what they were sent.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    code: String,
    message: String,
    region: Option<String>,
}

impl StdError for Answer {}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it answered {}", self.status)?;
        for (before, text) in [(" ", &self.code), (", ", &self.message)] {
            if !text.is_empty() {
                write!(f, "{before}{text}")?;
            }
        }
        Ok(())
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Fault
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        if let SdkError::ServiceError(context) = &error {
            let (meta, raw) = (context.err().meta(), context.raw());
            return Self::Answered(Answer {
                status: raw.status().as_u16(),
                code: meta.code().map(one_line).unwrap_or_default(),
                message: meta.message().map(one_line).unwrap_or_default(),
                region: raw.headers().get("x-amz-bucket-region").map(one_line),
            });
        }
        let is_unsigned = match credentials_error(&error) {
            // They may come yet.
            Some(CredentialsError::ProviderTimedOut(_)) => false,
            Some(_) => true,
            None => matches!(&error, SdkError::ConstructionFailure(_)),
        };
        let source = error.into_source().unwrap_or_else(Source::from);
        if is_unsigned { Self::Unsigned(source) } else { Self::Silent(source) }
    }
}

/// What went wrong with credentials, where it was that.
fn credentials_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// At most a line of a text that came from elsewhere.
fn one_line(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Fault {
    fn answer(&self) -> (u16, &str) {
        match self {
            Self::Answered(answer) => (answer.status, &answer.code),
            Self::Unsigned(_) | Self::Silent(_) => (0, ""),
        }
    }

    /// There is no such object.
    pub(super) fn is_absence(&self) -> bool {
        // Where there is no body, there is no code.
        matches!(self.answer(), (404, "NoSuchKey" | "NotFound" | ""))
    }

    /// The condition of a write, or of a read, does not hold.
    pub(super) fn is_unmet(&self) -> bool {
        self.answer().0 == 412
    }

    /// There is no such upload, or no more.
    pub(super) fn is_over(&self) -> bool {
        self.answer().1 == "NoSuchUpload"
    }

    /// Another write is under way, of which the server cannot say yet whether it will stand.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self.answer(), (409, "ConditionalRequestConflict" | "OperationAborted"))
    }

    /// What it means, of a request that was about the store.
    pub(super) fn of_store(self, address: &Address) -> Error {
        self.meaning(address, format!("the object store {address}"))
    }

    /// What it means, of a request that was about an object.
    pub(super) fn of_object(self, address: &Address, key: &Key) -> Error {
        if self.is_absence() {
            return Error::NotFound { key: key.clone() };
        }
        match self {
            Self::Answered(answer) if let Some(why) = refuses_key(&answer.code) => {
                Error::KeyRefused { key: key.clone(), why, source: Some(answer.into()) }
            }
            fault => fault.meaning(address, address.object(key)),
        }
    }

    fn meaning(self, address: &Address, at: String) -> Error {
        let answer = match self {
            Self::Unsigned(source) => return Error::Credentials { at, why: NO_CREDENTIALS, source },
            Self::Silent(source) => return Error::Unavailable { at, source },
            Self::Answered(answer) => answer,
        };
        if let Some(why) = refuses_credentials(&answer.code) {
            return Error::Credentials { at, why, source: answer.into() };
        }
        match (answer.status, answer.code.as_str()) {
            (_, "NoSuchBucket") => Error::NoBucket { at, source: answer.into() },
            (_, "PermanentRedirect" | "IllegalLocationConstraintException" | "AuthorizationHeaderMalformed")
            | (301 | 307, _) => wrong_region(address, answer),
            (507, _) | (_, "XMinioStorageFull" | "QuotaExceeded" | "XMinioAdminBucketQuotaExceeded") => {
                Error::Full { at, source: answer.into() }
            }
            (403, _) => Error::PermissionDenied { at, source: answer.into() },
            (429, _) | (_, "SlowDown" | "SlowDownRead" | "SlowDownWrite" | "RequestLimitExceeded" | "Throttling") => {
                Error::Busy { at, source: answer.into() }
            }
            (409, _) => Error::Busy { at, source: answer.into() },
            (_, "NoSuchUpload") | (408 | 500 | 502..=599, _) => Error::Unavailable { at, source: answer.into() },
            _ => Error::Unexpected { at, source: answer.into() },
        }
    }
}

fn wrong_region(address: &Address, answer: Answer) -> Error {
    let region = answer.region.as_ref().map_or("its own".into(), |region| format!("`{region}`"));
    Error::WrongRegion { at: format!("the bucket `{}`", address.bucket), region, source: answer.into() }
}

/// What is wrong with the credentials, by the code of an answer.
fn refuses_credentials(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidAccessKeyId" => "it does not know AWS_ACCESS_KEY_ID: set that of a user that it has",
        "SignatureDoesNotMatch" => "AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID: set the two together",
        "ExpiredToken" | "TokenRefreshRequired" => "they have expired: set new ones, AWS_SESSION_TOKEN among them",
        "InvalidToken" | "InvalidTokenId" => "AWS_SESSION_TOKEN is not of AWS_ACCESS_KEY_ID: set the three together",
        "RequestTimeTooSkewed" => "this machine's clock is wrong, and with it every signature: set it",
        _ => return None,
    })
}

/// Why the server cannot hold a key, by the code of an answer.
fn refuses_key(code: &str) -> Option<&'static str> {
    Some(match code {
        "XMinioParentIsObject" => "a part of it before a slash is an object itself",
        "XMinioObjectExistsAsDirectory" => "a directory of objects has this name",
        "KeyTooLongError" => "it is longer than this server allows",
        "XMinioInvalidObjectName" | "InvalidObjectName" => "this server does not allow it",
        _ => return None,
    })
}
