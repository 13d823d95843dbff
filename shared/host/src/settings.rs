//! Settings: one environment variable a neighbour, checked at start.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pappus_domain::ModelName;
use pappus_domain::trigger::Policy;
use pappus_objects::Access;
use pappus_telemetry::LogFormat;
use pappus_tracking::{Login, Server, WrongServer};
use serde::Deserialize;
use url::Url;

use crate::error::Error;
use crate::keys::Keys;
use crate::launch::{self, Launch};
use crate::notify::Notify;
use crate::policy;
use crate::shown::shown;

/// What hosts a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// A server on a port: Knative, or by itself.
    Server,
    /// AWS Lambda.
    Lambda,
}

/// Where events go.
#[derive(Clone, PartialEq, Eq)]
pub enum Events {
    /// `local:`: to the other functions of this process.
    Local,
    /// `reply:`: back to whoever sent the cause.
    Answered,
    /// `knative:`: to the sink that Knative names.
    Knative {
        /// `K_SINK`.
        sink: Url,
        /// The attributes in `K_CE_OVERRIDES`.
        extensions: Vec<(String, String)>,
    },
    /// `eventbridge://BUS?region=…&endpoint=…`.
    EventBridge(EventBus),
}

/// A bus of Amazon EventBridge.
#[derive(Clone, PartialEq, Eq)]
pub struct EventBus {
    /// Its name.
    pub name: String,
    /// The region; the environment's where none is given.
    pub region: Option<String>,
    /// Another server than AWS's.
    pub endpoint: Option<String>,
}

/// What the host calls this function, for logs and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// `K_SERVICE` or `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: Option<String>,
    /// `K_REVISION` or `AWS_LAMBDA_FUNCTION_VERSION`.
    pub revision: Option<String>,
}

impl Service {
    /// The names that are known, with what they name.
    pub fn labels(&self) -> Vec<(&'static str, String)> {
        let labels = [("service", &self.name), ("revision", &self.revision)];
        labels.into_iter().filter_map(|(label, name)| Some((label, name.clone()?))).collect()
    }
}

/// What the environment says. Its defaults need no neighbour at all.
#[derive(Clone)]
pub struct Settings {
    /// `PAPPUS_HOME`: the folder of everything embedded.
    pub home: PathBuf,
    /// `PAPPUS_OBJECTS`: where objects are.
    pub objects: String,
    /// `PAPPUS_CATALOG`: where metadata is. May hold a password.
    pub catalog: String,
    /// `PAPPUS_MODEL`: the model that this process is about.
    pub model: ModelName,
    /// `PAPPUS_LOG`: a level or a filter.
    pub log: String,
    /// `PAPPUS_LOG_FORMAT`: `text` or `json`.
    pub log_format: LogFormat,
    /// `PAPPUS_PREDICTIONS_DAYS`: how long the log keeps a prediction; for ever where it is not set.
    pub predictions_days: Option<NonZeroU32>,
    /// `PAPPUS_KEEP_IMAGES`: whether the images that are classified are kept, for somebody to say what they show.
    pub keep_images: bool,
    /// `PORT`: where a function listens when it is on its own.
    pub port: u16,
    /// `PAPPUS_EVENTS`, or the sink that is named where it is not set.
    pub events: Option<Events>,
    /// `PAPPUS_LAUNCHER`.
    pub launcher: Option<Launch>,
    /// `PAPPUS_LAUNCH_TIMEOUT`: how long a training that was launched may wait for its start.
    pub launch_timeout: Duration,
    /// `PAPPUS_POLICY`: when to train, out of a file.
    pub policy: Policy,
    /// `PAPPUS_API_KEYS`: who may ask for what over HTTP, out of a file, or as it is.
    pub api_keys: Option<Arc<Keys>>,
    /// `PAPPUS_TRACKING`, with what MLflow's own clients read beside it; none for `none:`.
    pub tracking: Option<Server>,
    /// `PAPPUS_NOTIFY_WEBHOOK`, `PAPPUS_NOTIFY_EMAIL` and `PAPPUS_SMTP_PASSWORD`: where people are told what happened.
    pub notify: Notify,
    /// AWS Lambda where `AWS_LAMBDA_RUNTIME_API` is set.
    pub host: Host,
    /// What the host calls this function.
    pub service: Service,
    /// What this process does with objects, which the function knows and not the environment: to read and write them,
    /// unless it says otherwise.
    pub access: Access,
}

impl Settings {
    /// Reads the environment through `variable`, which returns what a variable holds. `home`, where given, stands over
    /// `PAPPUS_HOME`.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::Policy`], [`Error::Keys`] or [`Error::Logs`], naming the variable, what it held and what it may hold.
    pub fn read(variable: impl Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Result<Self, Error> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = home.or_else(|| get("PAPPUS_HOME").map(PathBuf::from)).unwrap_or_else(|| ".pappus".into());
        let under_home =
            |scheme: &str, file: &str| format!("{scheme}://{}", escape(&home.join(file).to_string_lossy()));
        let model = get("PAPPUS_MODEL").unwrap_or_else(|| "classifier".into());
        let port = get("PORT").unwrap_or_else(|| "8080".into());
        let host = if get("AWS_LAMBDA_RUNTIME_API").is_some() { Host::Lambda } else { Host::Server };
        let service = Service {
            name: get("K_SERVICE").or_else(|| get("AWS_LAMBDA_FUNCTION_NAME")),
            revision: get("K_REVISION").or_else(|| get("AWS_LAMBDA_FUNCTION_VERSION")),
        };
        // Where a platform gathers the logs, machines read them.
        let log_format = if service.name.is_some() { "json" } else { "text" };
        Ok(Self {
            events: events(&get)?,
            launcher: launch::launcher(get("PAPPUS_LAUNCHER"))?,
            launch_timeout: launch::patience(get("PAPPUS_LAUNCH_TIMEOUT"))?,
            policy: get("PAPPUS_POLICY")
                .map_or_else(|| Ok(Policy::default()), |path| policy::read(Path::new(&path)))?,
            api_keys: get("PAPPUS_API_KEYS").map(|value| Keys::read(&value)).transpose()?.map(Arc::new),
            tracking: tracking(&get)?,
            notify: Notify::read(&get)?,
            objects: get("PAPPUS_OBJECTS").unwrap_or_else(|| under_home("file", "objects")),
            catalog: get("PAPPUS_CATALOG").unwrap_or_else(|| under_home("sqlite", "catalog.db")),
            model: model.parse().map_err(|_| Error::Setting {
                variable: "PAPPUS_MODEL",
                value: model.clone(),
                allowed: "1 to 64 lowercase letters, digits and inner hyphens",
            })?,
            log: get("PAPPUS_LOG").unwrap_or_else(|| "info".into()),
            log_format: get("PAPPUS_LOG_FORMAT").unwrap_or_else(|| log_format.into()).parse()?,
            predictions_days: days(get("PAPPUS_PREDICTIONS_DAYS"))?,
            keep_images: yes_or_no("PAPPUS_KEEP_IMAGES", get("PAPPUS_KEEP_IMAGES"))?,
            port: port.parse().map_err(|_| Error::Setting {
                variable: "PORT",
                value: port.clone(),
                allowed: "a port number from 0 to 65535",
            })?,
            home,
            host,
            service,
            access: Access::Write,
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

/// A hundred years: a later date would be none.
const MOST_DAYS: u32 = 36_500;

fn days(value: Option<String>) -> Result<Option<NonZeroU32>, Error> {
    let Some(value) = value else { return Ok(None) };
    match value.parse::<NonZeroU32>() {
        Ok(days) if days.get() <= MOST_DAYS => Ok(Some(days)),
        _ => Err(Error::Setting {
            variable: "PAPPUS_PREDICTIONS_DAYS",
            value,
            allowed: "a number of days from 1 to 36500, or not set: then predictions are kept for ever",
        }),
    }
}

/// No, unless it is said.
fn yes_or_no(variable: &'static str, value: Option<String>) -> Result<bool, Error> {
    match value.as_deref() {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(other) => Err(Error::Setting { variable, value: shown(other), allowed: "`yes`, or `no`: the default" }),
    }
}

const EVENTS: &str = "`local:` (pappus up), `reply:`, `knative:` or `eventbridge://BUS?region=…&endpoint=…`";

fn events(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Events>, Error> {
    let wrong = |value: &str| Error::Setting { variable: "PAPPUS_EVENTS", value: shown(value), allowed: EVENTS };
    match (get("PAPPUS_EVENTS").as_deref(), get("K_SINK")) {
        (None, None) => Ok(None),
        (Some("local:"), _) => Ok(Some(Events::Local)),
        (Some("reply:"), _) => Ok(Some(Events::Answered)),
        (None | Some("knative:"), Some(sink)) => knative(sink, get("K_CE_OVERRIDES")).map(Some),
        (Some("knative:"), None) => Err(Error::Setting {
            variable: "K_SINK",
            value: String::new(),
            allowed: "the URL that events go to: Knative sets it through a SinkBinding",
        }),
        (Some(value), _) => match Url::parse(value) {
            Ok(url) if url.scheme() == "eventbridge" => event_bus(&url).map(Some).ok_or_else(|| wrong(value)),
            _ => Err(wrong(value)),
        },
    }
}

fn event_bus(url: &Url) -> Option<Events> {
    let name = url.host_str().filter(|name| !name.is_empty())?.to_owned();
    let mut bus = EventBus { name, region: None, endpoint: None };
    for (key, value) in url.query_pairs() {
        match &*key {
            "region" => bus.region = Some(value.into_owned()),
            "endpoint" => bus.endpoint = Some(value.into_owned()),
            _ => return None,
        }
    }
    matches!(url.path(), "" | "/").then_some(Events::EventBridge(bus))
}

fn knative(sink: String, overrides: Option<String>) -> Result<Events, Error> {
    #[derive(Default, Deserialize)]
    struct Overrides {
        #[serde(default)]
        extensions: BTreeMap<String, String>,
    }
    let url = Url::parse(&sink).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let allowed = "an http or https URL";
    let sink = url.ok_or_else(|| Error::Setting { variable: "K_SINK", value: shown(&sink), allowed })?;
    let Overrides { extensions } = match overrides {
        None => Overrides::default(),
        // Whatever it holds is sent to others: it is said where it is wrong, and not what it is.
        Some(json) => serde_json::from_str(&json).map_err(|error| Error::Setting {
            variable: "K_CE_OVERRIDES",
            value: format!("{} bytes, wrong at line {} column {}", json.len(), error.line(), error.column()),
            allowed: "JSON such as {\"extensions\": {\"name\": \"value\"}}",
        })?,
    };
    let is_attribute =
        |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if let Some(name) = extensions.keys().find(|name| !is_attribute(name)) {
        let allowed = "attributes of lowercase letters and digits";
        return Err(Error::Setting { variable: "K_CE_OVERRIDES", value: shown(name), allowed });
    }
    Ok(Events::Knative { sink, extensions: extensions.into_iter().collect() })
}

fn tracking(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Server>, Error> {
    let Some(url) = get("PAPPUS_TRACKING").filter(|url| url != "none:") else { return Ok(None) };
    let login = Login {
        username: get("MLFLOW_TRACKING_USERNAME"),
        password: get("MLFLOW_TRACKING_PASSWORD"),
        token: get("MLFLOW_TRACKING_TOKEN"),
    };
    let server = Server::new(&url, login);
    Ok(Some(server.map_err(|WrongServer { variable, held, allowed }| Error::Setting {
        variable,
        value: held,
        allowed,
    })?))
}

/// A path as part of a URL: what would end the path or begin an escape is escaped.
fn escape(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
