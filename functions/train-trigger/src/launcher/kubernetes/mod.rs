//! Trainings as Jobs of Kubernetes.
//!
//! The template is the key `job.yaml` of a ConfigMap: a Job as `kubectl` takes it, which decides over the image,
//! `activeDeadlineSeconds`, `backoffLimit`, `ttlSecondsAfterFinished`, resources, GPUs and nodes. The Job of a run has a name
//! that follows from the run, so that there is no second one; of two clusters' Jobs for one run the training lease decides.

mod client;
mod fault;
mod state;
mod template;

use async_trait::async_trait;
use axum::http::{Request, header};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, ListParams, LogParams};
use kube::{Client, ResourceExt as _};
use pappus_domain::RunId;
use pappus_domain::run::TrainingRequest;
use pappus_host::JobTemplate;
use serde_json::Value;

use self::client::ask;
pub use self::fault::{Fault, Right};
pub use self::state::state;
pub use self::template::{Template, WrongTemplate, name};
use super::{JobState, Launcher};
use crate::error::Error;

/// The key of the ConfigMap that holds the template.
pub const KEY: &str = "job.yaml";

const CREATE: Right = Right { verb: "create", resource: "jobs.batch" };
const GET: Right = Right { verb: "get", resource: "jobs.batch" };
const DELETE: Right = Right { verb: "delete", resource: "jobs.batch" };
const LIST_PODS: Right = Right { verb: "list", resource: "pods" };
const GET_LOGS: Right = Right { verb: "get", resource: "pods/log" };
const GET_TEMPLATE: Right = Right { verb: "get", resource: "configmaps" };

/// Launches Jobs in one namespace.
#[derive(Clone)]
pub struct KubernetesLauncher {
    client: Client,
    place: JobTemplate,
}

impl KubernetesLauncher {
    /// A launcher in the cluster that `KUBECONFIG` names, or else in the one that this process is in.
    ///
    /// # Errors
    /// [`Error::Kubernetes`] where neither can be used.
    pub async fn open(place: &JobTemplate) -> Result<Self, Error> {
        Ok(Self::new(client::open().await?, place.clone()))
    }

    /// A launcher that asks through `client`.
    pub const fn new(client: Client, place: JobTemplate) -> Self {
        Self { client, place }
    }

    fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.client.clone(), &self.place.namespace)
    }

    async fn template(&self) -> Result<Template, Fault> {
        let JobTemplate { namespace, config_map } = &self.place;
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let found = ask(namespace, GET_TEMPLATE, maps.get_opt(config_map)).await?;
        let map = found.ok_or_else(|| Fault::NoTemplate { place: self.place.clone() })?;
        let data = map.data.unwrap_or_default();
        let wrong = |source| Fault::Template { place: self.place.clone(), source };
        let text = data.get(KEY).ok_or_else(|| wrong(WrongTemplate::NoKey { has: data.keys().cloned().collect() }))?;
        Template::parse(text).map_err(wrong)
    }

    /// Creates a Job. A field that the server does not know is an error: a limit that is misspelt would be none.
    async fn create(&self, job: &Value) -> Result<(), Fault> {
        let namespace = &self.place.namespace;
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs?fieldValidation=Strict");
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let body = serde_json::to_vec(job).map_err(Fault::Json)?;
        let request = request.body(body).map_err(kube::Error::HttpError);
        let created = async { self.client.request::<Job>(request?).await };
        ask(namespace, CREATE, created).await.map(drop)
    }

    async fn pods(&self, run: RunId) -> Result<Vec<Pod>, Fault> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.place.namespace);
        let of_job = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={}", name(run)));
        Ok(ask(&self.place.namespace, LIST_PODS, pods.list(&of_job)).await?.items)
    }
}

#[async_trait]
impl Launcher for KubernetesLauncher {
    async fn launch(&self, request: &TrainingRequest) -> Result<(), Error> {
        let (run, job) = (request.run, name(request.run));
        let described = self.template().await?.job(request, &self.place.namespace).map_err(Fault::Json)?;
        match self.create(&described).await {
            Ok(()) => tracing::info!(%run, job, namespace = self.place.namespace, "job created"),
            Err(Fault::Exists(_)) => tracing::info!(%run, job, "its job already exists"),
            Err(fault) => return Err(fault.into()),
        }
        Ok(())
    }

    async fn look(&self, run: RunId) -> Result<JobState, Error> {
        let job = ask(&self.place.namespace, GET, self.jobs().get_opt(&name(run))).await?;
        // One that is being deleted will not be tried again.
        let Some(job) = job.filter(|job| job.metadata.deletion_timestamp.is_none()) else {
            return Ok(JobState::Absent);
        };
        Ok(state(&job, &self.pods(run).await?))
    }

    async fn cancel(&self, run: RunId) -> Result<(), Error> {
        let job = name(run);
        let deleted = async {
            match self.jobs().delete(&job, &DeleteParams::background()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
                deleted => deleted.map(|_| true),
            }
        };
        if ask(&self.place.namespace, DELETE, deleted).await? {
            tracing::info!(%run, job, "job deleted");
        }
        Ok(())
    }

    async fn logs(&self, run: RunId, lines: i64) -> Result<String, Error> {
        let newest = self.pods(run).await?.into_iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone());
        let Some(pod) = newest else {
            let place = format!("no pod: Job `{}` in namespace `{}` has none", name(run), self.place.namespace);
            return Err(Error::NoLogs { run, place });
        };
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|first| first.name.clone());
        let last = LogParams { container, tail_lines: Some(lines), ..LogParams::default() };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.place.namespace);
        Ok(ask(&self.place.namespace, GET_LOGS, pods.logs(&pod.name_any(), &last)).await?)
    }
}
