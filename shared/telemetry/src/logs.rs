//! Structured logs on standard error.

use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A wrong format.
    #[error("PAPPUS_LOG_FORMAT is `{0}`: it may be `text` or `json`")]
    Format(String),
    /// A wrong filter.
    #[error(
        "PAPPUS_LOG is `{filter}`: it may be a level such as `info` or a filter such as `warn,pappus_ingest=debug`"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// A second beginning.
    #[error("logging has begun already")]
    Begun(#[from] TryInitError),
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "" | "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.into())),
        }
    }
}

/// Begins logging. `filter` is a level or a list of `target=level`, as `PAPPUS_LOG` gives it.
///
/// # Errors
/// [`LogError`].
pub fn init_logs(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let parsed: Result<Targets, ParseError> = filter.parse();
    let parsed = parsed.map_err(|source| LogError::Filter { filter: filter.into(), source })?;
    // ONNX Runtime tells at length how it lays out memory.
    let registry = tracing_subscriber::registry().with(parsed.with_target("ort", LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_target(false)).try_init()?,
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}
