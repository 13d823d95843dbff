//! Where trainings run: `PAPPUS_LAUNCHER`.

use std::time::Duration;

use url::Url;

use crate::error::Error;
use crate::shown::shown;

/// Where trainings run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// `process:`: in a child process.
    Process,
    /// `events:`: where the event that asks for a training arrives, at the train function.
    Events,
    /// `kubernetes://NAMESPACE/TEMPLATE`: in a Job.
    Kubernetes(JobTemplate),
    /// `lambda://FUNCTION?region=…&endpoint=…`: in a function of AWS Lambda.
    Lambda(LambdaFunction),
}

/// A template of Jobs: a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTemplate {
    /// Where the ConfigMap is, and the Jobs are.
    pub namespace: String,
    /// The name of the ConfigMap.
    pub config_map: String,
}

/// A function of AWS Lambda.
#[derive(Clone, PartialEq, Eq)]
pub struct LambdaFunction {
    /// Its name.
    pub name: String,
    /// The region; the environment's where none is given.
    pub region: Option<String>,
    /// Another server than AWS's.
    pub endpoint: Option<String>,
}

/// What `PAPPUS_LAUNCHER` may be.
const ALLOWED: &str = "`process:`, `events:`, `kubernetes://NAMESPACE/CONFIGMAP` or \
                       `lambda://FUNCTION?region=…&endpoint=…`";
/// How long a job may wait for its start where nothing is said.
const PATIENCE: Duration = Duration::from_mins(10);
/// The longest names that Kubernetes and Lambda know.
const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;
const FUNCTION: usize = 64;

/// Reads `PAPPUS_LAUNCHER`.
pub(crate) fn launcher(value: Option<String>) -> Result<Option<Launch>, Error> {
    let Some(value) = value else { return Ok(None) };
    let launch = match value.as_str() {
        "process:" => Some(Launch::Process),
        "events:" => Some(Launch::Events),
        other => Url::parse(other).ok().and_then(|url| match url.scheme() {
            "kubernetes" => job_template(&url),
            "lambda" => lambda_function(&url),
            _ => None,
        }),
    };
    let wrong = || Error::Setting { variable: "PAPPUS_LAUNCHER", value: shown(&value), allowed: ALLOWED };
    launch.ok_or_else(wrong).map(Some)
}

fn job_template(url: &Url) -> Option<Launch> {
    let namespace = url.host_str().filter(|name| is_dns(name, LABEL) && !name.contains('.'))?;
    let config_map = url.path().strip_prefix('/').filter(|name| is_dns(name, SUBDOMAIN))?;
    let is_plain = url.query().is_none() && url.port().is_none() && url.username().is_empty();
    let template = JobTemplate { namespace: namespace.into(), config_map: config_map.into() };
    is_plain.then_some(Launch::Kubernetes(template))
}

/// Whether it is a name of Kubernetes' kind.
fn is_dns(name: &str, longest: usize) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_outer = |byte: Option<u8>| byte.is_some_and(|byte| is_inner(byte) && !matches!(byte, b'-' | b'.'));
    name.len() <= longest
        && name.bytes().all(is_inner)
        && is_outer(name.bytes().next())
        && is_outer(name.bytes().last())
}

fn lambda_function(url: &Url) -> Option<Launch> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_name = |name: &&str| !name.is_empty() && name.len() <= FUNCTION && name.bytes().all(is_inner);
    let name = url.host_str().filter(is_name)?.to_owned();
    let mut function = LambdaFunction { name, region: None, endpoint: None };
    for (key, value) in url.query_pairs() {
        match &*key {
            "region" => function.region = Some(value.into_owned()),
            "endpoint" => function.endpoint = Some(value.into_owned()),
            _ => return None,
        }
    }
    let is_plain = matches!(url.path(), "" | "/") && url.port().is_none() && url.username().is_empty();
    is_plain.then_some(Launch::Lambda(function))
}

/// Reads `PAPPUS_LAUNCH_TIMEOUT`.
pub(crate) fn patience(value: Option<String>) -> Result<Duration, Error> {
    let Some(value) = value else { return Ok(PATIENCE) };
    match value.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
        _ => Err(Error::Setting {
            variable: "PAPPUS_LAUNCH_TIMEOUT",
            value: shown(&value),
            allowed: "a number of seconds from 1 on, or not set: then a training may wait ten minutes for its start",
        }),
    }
}
