//! Why something is not told, by what becomes of it.

/// Why something is not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody answers, or not in time.
    #[error("MLflow at {server} cannot be reached: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// What was seen instead of an answer.
        why: String,
    },
    /// It turns us away.
    #[error(
        "MLflow at {server} turns us away ({why}): check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
         MLFLOW_TRACKING_TOKEN, and the hosts that it allows"
    )]
    Denied {
        /// The server.
        server: String,
        /// Its answer.
        why: String,
    },
    /// Something else answers there.
    #[error("{server} does not answer as MLflow does ({why}): check PAPPUS_TRACKING")]
    NotMlflow {
        /// The server.
        server: String,
        /// Its answer.
        why: String,
    },
    /// It failed at this, and perhaps at nothing else.
    #[error("MLflow failed at `{call}`: {why}")]
    Failed {
        /// What was asked.
        call: String,
        /// Its answer.
        why: String,
    },
    /// It will not do this, now or later.
    #[error("MLflow refuses `{call}`: {why}")]
    Refused {
        /// What was asked.
        call: String,
        /// MLflow's name for the reason, such as `INVALID_PARAMETER_VALUE`; empty where it gave none.
        code: String,
        /// Its answer.
        why: String,
    },
    /// It cannot be told as it is.
    #[error("{0}")]
    Untellable(String),
    /// There is no time left to ask.
    #[error("there was no time left")]
    OutOfTime,
    /// The metadata store failed.
    #[error("the catalog failed")]
    Catalog(#[from] pappus_catalog::Error),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// Something cannot be written as JSON.
    #[error("JSON cannot be written")]
    Json(#[from] serde_json::Error),
}

/// What becomes of news that could not be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// It waits, and so does all that comes after it.
    Stop,
    /// It waits; other news may fare better.
    Wait,
    /// It is set aside.
    SetAside,
}

impl Error {
    pub(crate) const fn consequence(&self) -> Consequence {
        match self {
            Self::Unreachable { .. } | Self::Denied { .. } | Self::NotMlflow { .. } | Self::OutOfTime => {
                Consequence::Stop
            }
            // A row that is damaged, or an object that has changed since it was listed: others are not.
            Self::Catalog(pappus_catalog::Error::Corrupt { .. })
            | Self::Objects(pappus_objects::Error::NotFound { .. } | pappus_objects::Error::TooLarge { .. })
            | Self::Failed { .. } => Consequence::Wait,
            Self::Catalog(_) | Self::Objects(_) => Consequence::Stop,
            Self::Refused { .. } | Self::Untellable(_) | Self::Key(_) | Self::Json(_) => Consequence::SetAside,
        }
    }

    /// The whole chain of causes, outermost first.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
