//! Settings: one environment variable a neighbour, checked at start.

use std::path::PathBuf;

use pappus_domain::ModelName;
use pappus_telemetry::LogFormat;

use crate::error::Error;

/// What the environment says. Its defaults need no neighbour at all.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PAPPUS_HOME`: the folder of everything embedded.
    pub home: PathBuf,
    /// `PAPPUS_OBJECTS`: where objects are.
    pub objects: String,
    /// `PAPPUS_CATALOG`: where metadata is.
    pub catalog: String,
    /// `PAPPUS_MODEL`: the model that this process is about.
    pub model: ModelName,
    /// `PAPPUS_LOG`: a level or a filter.
    pub log: String,
    /// `PAPPUS_LOG_FORMAT`: `text` or `json`.
    pub log_format: LogFormat,
    /// `PORT`: where a function listens when it is on its own.
    pub port: u16,
}

impl Settings {
    /// Reads the environment through `variable`, which returns what a variable holds. `home`, where given, stands over
    /// `PAPPUS_HOME`.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Logs`], naming the variable, what it held and what it may hold.
    pub fn read(variable: impl Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Result<Self, Error> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = home.or_else(|| get("PAPPUS_HOME").map(PathBuf::from)).unwrap_or_else(|| ".pappus".into());
        let under_home =
            |scheme: &str, file: &str| format!("{scheme}://{}", escape(&home.join(file).to_string_lossy()));
        only("PAPPUS_EVENTS", get("PAPPUS_EVENTS"), "local:", "`local:` in this build")?;
        only("PAPPUS_LAUNCHER", get("PAPPUS_LAUNCHER"), "process:", "`process:` in this build")?;
        only("PAPPUS_TRACKING", get("PAPPUS_TRACKING"), "none:", "`none:` in this build")?;
        let model = get("PAPPUS_MODEL").unwrap_or_else(|| "classifier".into());
        let port = get("PORT").unwrap_or_else(|| "8080".into());
        Ok(Self {
            objects: get("PAPPUS_OBJECTS").unwrap_or_else(|| under_home("file", "objects")),
            catalog: get("PAPPUS_CATALOG").unwrap_or_else(|| under_home("sqlite", "catalog.db")),
            model: model.parse().map_err(|_| Error::Setting {
                variable: "PAPPUS_MODEL",
                value: model.clone(),
                allowed: "1 to 64 lowercase letters, digits and inner hyphens",
            })?,
            log: get("PAPPUS_LOG").unwrap_or_else(|| "info".into()),
            log_format: get("PAPPUS_LOG_FORMAT").unwrap_or_default().parse()?,
            port: port.parse().map_err(|_| Error::Setting {
                variable: "PORT",
                value: port.clone(),
                allowed: "a port number from 0 to 65535",
            })?,
            home,
        })
    }

    /// Reads the environment of this process.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn from_environment(home: Option<PathBuf>) -> Result<Self, Error> {
        Self::read(|name| std::env::var(name).ok(), home)
    }
}

fn only(variable: &'static str, value: Option<String>, known: &str, allowed: &'static str) -> Result<(), Error> {
    match value {
        Some(value) if value != known => Err(Error::Setting { variable, value, allowed }),
        _ => Ok(()),
    }
}

/// A path as part of a URL: what would end the path or begin an escape is escaped.
fn escape(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
