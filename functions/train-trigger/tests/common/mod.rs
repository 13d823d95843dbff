//! A train-trigger over stores in a folder of its own.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pappus_catalog::contract::samples;
use pappus_catalog::{DataSetRecord, OnConflict};
use pappus_domain::release::ReleaseAction;
use pappus_domain::run::TrainingRequest;
use pappus_domain::{Event, Image, Release, Run, RunId, RunStatus, Timestamp};
use pappus_host::{Context, Failure, Publisher, Settings};
use pappus_train_trigger::{Error, JobState, Launcher, Trigger};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Hands what is published to the test.
struct Told(mpsc::UnboundedSender<Event>);

#[async_trait]
impl Publisher for Told {
    async fn publish(&self, event: Event) -> Result<(), Failure> {
        self.0.send(event).unwrap();
        Ok(())
    }
}

pub struct Place {
    pub context: Context,
    pub trigger: Trigger,
    pub published: mpsc::UnboundedReceiver<Event>,
    pub home: TempDir,
}

pub async fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    // A server to be told, where nobody listens.
    let variables = |name: &str| match name {
        "PAPPUS_MODEL" => Some("pets".to_owned()),
        "PAPPUS_TRACKING" => Some("http://127.0.0.1:1".to_owned()),
        _ => None,
    };
    let settings = Settings::read(variables, Some(home.path().into())).unwrap();
    let (tell, published) = mpsc::unbounded_channel();
    let context = Context::open(settings, Arc::new(Told(tell))).await.unwrap();
    Place { trigger: Trigger::new(context.clone()), context, published, home }
}

impl Place {
    /// Records labelled images by their numbers.
    pub async fn images(&self, numbers: std::ops::Range<u64>) {
        let images: Vec<Image> = numbers.map(|number| samples::image(number, Some("cat"))).collect();
        self.context.catalog.record_images(&images, OnConflict::Keep).await.unwrap();
    }

    /// A run that was asked for.
    pub async fn asked(&self, number: u64) -> RunId {
        self.asked_at(number, samples::run(number, "pets").requested_at).await
    }

    /// A run that has just been asked for.
    pub async fn asked_now(&self, number: u64) -> RunId {
        self.asked_at(number, Timestamp::now()).await
    }

    /// A run that was asked for at some moment.
    pub async fn asked_at(&self, number: u64, at: Timestamp) -> RunId {
        let run = Run { requested_at: at, updated_at: at, ..samples::run(number, "pets") };
        self.context.catalog.create_run(&run).await.unwrap();
        run.request.run
    }

    /// The message of a run that has failed.
    pub async fn failure(&self, id: &RunId) -> String {
        match self.run(id).await.status {
            RunStatus::Failed { message } => message,
            other => panic!("{other:?}"),
        }
    }

    /// A run that has trained on so many labelled images.
    pub async fn trained(&self, number: u64, labelled: u64) {
        self.trained_on(number, number, labelled).await;
    }

    /// A run that has trained on a data set, when there were so many labelled images.
    pub async fn trained_on(&self, number: u64, data_set: u64, labelled: u64) {
        let id = self.asked(number).await;
        let digest = samples::digest(data_set);
        let frozen_at = Timestamp::now();
        self.context.catalog.record_data_set(&DataSetRecord { digest, labelled, frozen_at }).await.unwrap();
        let done = RunStatus::Succeeded { version: samples::version(number), metrics: Default::default() };
        self.context.catalog.update_run(&id, Some(&digest), &done, Timestamp::now()).await.unwrap();
    }

    /// Releases the first version.
    pub async fn released(&self) {
        let release = Release::promote(None, &samples::name("pets"), &samples::version(1)).unwrap();
        let change = samples::change(ReleaseAction::Promote, 0);
        self.context.catalog.change_release(None, &release, change).await.unwrap();
    }

    pub async fn run(&self, id: &RunId) -> Run {
        self.context.catalog.run(id).await.unwrap().unwrap()
    }

    pub async fn runs(&self) -> Vec<Run> {
        self.context.catalog.runs(&samples::name("pets"), 100).await.unwrap()
    }
}

/// Keeps what is launched, and says of jobs what it is told to.
#[derive(Default)]
pub struct Launched {
    pub runs: Mutex<Vec<RunId>>,
    pub cancelled: Mutex<Vec<RunId>>,
    /// The state of every job; of those that were launched `Running` where nothing is said.
    pub state: Mutex<Option<JobState>>,
    /// Whether nobody answers.
    pub is_away: AtomicBool,
    /// Whether nothing more is launched, for now.
    pub is_full: AtomicBool,
}

impl Launched {
    pub fn says(&self, state: JobState) {
        *self.state.lock().unwrap() = Some(state);
    }

    pub fn launched(&self) -> Vec<RunId> {
        self.runs.lock().unwrap().clone()
    }

    pub fn cancelled(&self) -> Vec<RunId> {
        self.cancelled.lock().unwrap().clone()
    }

    fn answer(&self) -> Result<(), Error> {
        if !self.is_away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let source = std::io::Error::other("connection refused");
        Err(Error::Launch { program: "/api/server".into(), source })
    }
}

#[async_trait]
impl Launcher for Launched {
    async fn launch(&self, request: &TrainingRequest) -> Result<(), Error> {
        self.answer()?;
        if self.is_full.load(Ordering::Relaxed) {
            let source = std::io::Error::other("exceeded quota");
            return Err(Error::Launch { program: "/api/server".into(), source });
        }
        self.runs.lock().unwrap().push(request.run);
        Ok(())
    }

    async fn look(&self, run: RunId) -> Result<JobState, Error> {
        self.answer()?;
        let is_launched = self.runs.lock().unwrap().contains(&run);
        let said = self.state.lock().unwrap().clone();
        Ok(said.unwrap_or(if is_launched { JobState::Running } else { JobState::Absent }))
    }

    async fn cancel(&self, run: RunId) -> Result<(), Error> {
        self.answer()?;
        self.cancelled.lock().unwrap().push(run);
        Ok(())
    }

    async fn logs(&self, _run: RunId, lines: i64) -> Result<String, Error> {
        Ok(format!("the last {lines} lines"))
    }
}
