//! What goes wrong with a cluster, by what can be done about it.

use std::fmt;

use pappus_host::{Dispose, Disposition, JobTemplate};

use super::KEY;
use super::template::WrongTemplate;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// Such as `create`.
    pub verb: &'static str,
    /// Such as `jobs.batch`.
    pub resource: &'static str,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

/// What goes wrong with a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The environment names no cluster, or one that cannot be used.
    #[error("no cluster can be used: KUBECONFIG names none, and this process is in none that lets it in")]
    NoCluster(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A right is missing.
    #[error("this account may not {right} in namespace `{namespace}`: give its ServiceAccount a Role that says so")]
    Forbidden {
        /// The right.
        right: Right,
        /// Where.
        namespace: String,
        /// What the server says.
        #[source]
        source: Box<kube::Error>,
    },
    /// The namespace takes no more, by its quota or by what it admits.
    #[error("namespace `{namespace}` does not let anybody {right} now")]
    Denied {
        /// What was asked.
        right: Right,
        /// Where.
        namespace: String,
        /// What the server says.
        #[source]
        source: Box<kube::Error>,
    },
    /// There is no template.
    #[error(
        "there is no ConfigMap `{}` in namespace `{}`: make one with the key `{KEY}`, a Job", place.config_map,
        place.namespace
    )]
    NoTemplate {
        /// What was looked for.
        place: JobTemplate,
    },
    /// The template is of no use.
    #[error("key `{KEY}` of ConfigMap `{}` in namespace `{}` is no template of a Job", place.config_map, place.namespace)]
    Template {
        /// Where it is.
        place: JobTemplate,
        /// What is wrong with it.
        #[source]
        source: WrongTemplate,
    },
    /// The server refuses the Job that the template makes, or its namespace is not there.
    #[error("the cluster refuses to {right} in namespace `{namespace}`")]
    Refused {
        /// What was asked.
        right: Right,
        /// Where.
        namespace: String,
        /// What the server says.
        #[source]
        source: Box<kube::Error>,
    },
    /// It is there already.
    #[error("it exists already")]
    Exists(#[source] Box<kube::Error>),
    /// The server is away, or in trouble.
    #[error("the API server of the cluster, asked to {right}, cannot be reached or fails")]
    Unavailable {
        /// What was asked.
        right: Right,
        /// What was seen.
        #[source]
        source: Box<kube::Error>,
    },
    /// The server does not answer.
    #[error("the API server of the cluster, asked to {right}, has not answered within {seconds} seconds")]
    NoAnswer {
        /// What was asked.
        right: Right,
        /// The patience there was.
        seconds: u64,
    },
    /// A Job cannot be written.
    #[error("a Job cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

impl Fault {
    /// What a client's error means where a right is needed in a namespace.
    pub(super) fn of(namespace: &str, right: Right, error: kube::Error) -> Self {
        let (namespace, source) = (namespace.to_owned(), Box::new(error));
        let kube::Error::Api(status) = &*source else { return Self::Unavailable { right, source } };
        match status.code {
            // What RBAC says, `User "x" cannot create resource "jobs"`; quotas and admission say 403 too.
            403 if status.message.contains("\" cannot ") && status.message.contains(" resource \"") => {
                Self::Forbidden { right, namespace, source }
            }
            403 => Self::Denied { right, namespace, source },
            409 if status.is_already_exists() => Self::Exists(source),
            400 | 404 | 422 => Self::Refused { right, namespace, source },
            _ => Self::Unavailable { right, source },
        }
    }
}

impl Dispose for Fault {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Forbidden { .. } | Self::NoTemplate { .. } | Self::Template { .. } | Self::Refused { .. } => {
                Disposition::Refused
            }
            Self::Exists(_) => Disposition::Conflict,
            Self::NoCluster(_) | Self::Denied { .. } | Self::Unavailable { .. } | Self::NoAnswer { .. } => {
                Disposition::Unavailable
            }
            Self::Json(_) => Disposition::Fault,
        }
    }
}
