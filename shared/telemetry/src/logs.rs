//! Structured logs on standard error.

use std::io::IsTerminal as _;
use std::str::FromStr;

use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{self, FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
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

/// Begins logging. `filter` is a level or a list of `target=level`, as `PAPPUS_LOG` gives it; `labels` stand in every
/// line for machines.
///
/// # Errors
/// [`LogError`].
pub fn init_logs(format: LogFormat, filter: &str, labels: &[(&'static str, String)]) -> Result<(), LogError> {
    let parsed: Result<Targets, ParseError> = filter.parse();
    let parsed = parsed.map_err(|source| LogError::Filter { filter: filter.into(), source })?;
    // ONNX Runtime tells at length how it lays out memory.
    let registry = tracing_subscriber::registry().with(parsed.with_target("ort", LevelFilter::WARN));
    let stderr = std::io::stderr;
    match format {
        LogFormat::Text => {
            // Colours are for people, and what reads a pipe or a file is none.
            let is_watched =
                stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            let lines = fmt::layer().with_writer(stderr).with_target(false).with_ansi(is_watched);
            registry.with(lines).try_init()?;
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_writer(stderr);
            let labelled = Labelled::new(Format::default().json().flatten_event(true), labels);
            registry.with(lines.event_format(labelled)).try_init()?;
        }
    }
    Ok(())
}

/// JSON lines that begin with the same labels.
struct Labelled {
    lines: Format<Json>,
    labels: String,
}

impl Labelled {
    fn new(lines: Format<Json>, labels: &[(&'static str, String)]) -> Self {
        let labels =
            labels.iter().map(|(name, value)| format!("\"{name}\":{},", Value::from(value.as_str()))).collect();
        Self { lines, labels }
    }
}

impl<S, N> FormatEvent<S, N> for Labelled
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(writer, "{{{}{rest}", self.labels),
            None => writer.write_str(&line),
        }
    }
}
