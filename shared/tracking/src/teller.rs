//! Brings MLflow up to what the catalog and the object store say.

mod aliases;
mod files;

use std::io::Cursor;
use std::time::Instant;

use pappus_catalog::SharedCatalog;
use pappus_domain::{Manifest, ModelName, ModelVersion, Run, RunId, RunStatus};
use pappus_objects::Objects;

use crate::error::Error;
use crate::mlflow::{ArtifactRoot, Mlflow, Registered, TrackedRun, Upload};
use crate::news::{Measure, News};
use crate::told;

/// The folders of a run's artifacts.
const MODEL: &str = "model";
const EVALUATION: &str = "evaluation";

/// Tells MLflow. Telling twice is as telling once, also where the answer to the first was lost.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    mlflow: Mlflow,
    catalog: SharedCatalog,
    objects: Objects,
}

/// A run in MLflow, and the version it made, if it did.
struct Told {
    run: TrackedRun,
    version: Option<Registered>,
}

impl Teller {
    pub(crate) const fn new(mlflow: Mlflow, catalog: SharedCatalog, objects: Objects) -> Self {
        Self { mlflow, catalog, objects }
    }

    pub(crate) fn server(&self) -> String {
        self.mlflow.server().to_string()
    }

    /// The same, that asks for nothing after a moment.
    pub(crate) fn until(&self, until: Option<Instant>) -> Self {
        Self { mlflow: self.mlflow.until(until), ..self.clone() }
    }

    /// Tells how that stands now which the news is of.
    pub(crate) async fn tell(&self, news: &News) -> Result<(), Error> {
        match news {
            News::Run { run, measures } => self.run(run, measures).await.map(drop),
            News::Version { model, version } => {
                self.version(model, version).await?;
                self.aliases(model).await
            }
            News::Release { model } => self.aliases(model).await,
        }
    }

    async fn run(&self, id: &RunId, measures: &[Measure]) -> Result<Told, Error> {
        let run = self.catalog.run(id).await?;
        let run = run.ok_or_else(|| Error::Untellable(format!("there is no run {id}")))?;
        let manifest = match &run.status {
            RunStatus::Succeeded { version, .. } => self.catalog.model(&run.request.model, version).await?,
            _ => None,
        };
        let experiment = self.mlflow.experiment(run.request.model.as_str()).await?;
        let tag = (told::RUN, &*id.to_string());
        let tracked = self.mlflow.run(&experiment, tag, run.requested_at).await?;
        self.mlflow.log(&tracked, &told::run(&run, manifest.as_ref(), measures)).await?;
        if let Some(status) = ended(&run) {
            self.mlflow.end(&tracked, status, run.updated_at).await?;
        }
        // Of the runs that made equal versions, which are one, the first has the package.
        let version = match manifest.filter(|manifest| manifest.training.run == *id) {
            Some(manifest) => Some(self.package(&tracked, &manifest).await?),
            None => None,
        };
        Ok(Told { run: tracked, version })
    }

    /// Sends the files of a package, and registers it.
    async fn package(&self, run: &TrackedRun, manifest: &Manifest) -> Result<Registered, Error> {
        let Manifest { name, version, .. } = manifest;
        let root = ArtifactRoot::of(run)?;
        let there = self.send_package(run, &root, &format!("models/{name}/{version}/")).await?;
        let (path, text) = (format!("{MODEL}/{}", told::MLMODEL), told::mlmodel(manifest, &run.id));
        if there.get(&path) != Some(&(text.len() as u64)) {
            let bytes = Box::new(Cursor::new(text.clone()));
            self.mlflow.upload(&root, &path, Upload { size: text.len() as u64, bytes }).await?;
        }
        let tag = (told::VERSION, version.as_str());
        if let Some(known) = self.mlflow.find_version(name.as_str(), tag).await? {
            return Ok(known);
        }
        let source = format!("{}/{MODEL}", run.artifact_uri.trim_end_matches('/'));
        self.mlflow.register(name.as_str(), (told::MODEL, name.as_str()), &source, &run.id, tag).await
    }

    /// Tells of a version: the run that made it, its package, and its latest evaluation.
    async fn version(&self, model: &ModelName, version: &ModelVersion) -> Result<Registered, Error> {
        let manifest = self.catalog.model(model, version).await?;
        let manifest =
            manifest.ok_or_else(|| Error::Untellable(format!("there is no version {version} of {model}")))?;
        let Told { run, version: registered } = self.run(&manifest.training.run, &[]).await?;
        // A run that was declared dead while it wrote its last lines has not made it, and yet it is there.
        let registered = match registered {
            Some(registered) => registered,
            None => self.package(&run, &manifest).await?,
        };
        if let Some(evaluation) = self.catalog.evaluation(model, version).await? {
            self.mlflow.log(&run, &told::evaluation(&evaluation)).await?;
            let root = ArtifactRoot::of(&run)?;
            let folder = format!("{EVALUATION}/{}", evaluation.data_set.short(12));
            self.send_all(&root, &evaluation.object_key(""), &folder).await?;
            let verdict = if evaluation.verdict.passed { "passed" } else { "failed" };
            self.mlflow.tag_version(model.as_str(), &registered, (told::VERDICT, verdict)).await?;
        }
        Ok(registered)
    }
}

/// How MLflow calls the end of a run.
const fn ended(run: &Run) -> Option<&'static str> {
    match run.status {
        RunStatus::Requested | RunStatus::Running { .. } => None,
        RunStatus::Succeeded { .. } => Some("FINISHED"),
        RunStatus::Failed { .. } => Some("FAILED"),
    }
}
