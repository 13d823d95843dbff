//! A notify function over stores in a folder of its own, and those who are told.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

pub mod smtp;
pub mod webhook;

use std::sync::Arc;

use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelEvaluated, ReleaseChanged, TrainingFailed};
use pappus_domain::release::{Change, ReleaseAction};
use pappus_domain::stats::{Answer, Report};
use pappus_domain::verdict::{Evaluation, Gate, Verdict};
use pappus_domain::{Event, EventKind, ModelVersion, Release, RunId};
use pappus_host::{Bus, Context, Failure, Settings};
use tempfile::TempDir;

pub struct Place {
    pub context: Context,
    _home: TempDir,
}

/// A place whose environment has these variables.
pub async fn place(variables: &[(&str, &str)]) -> Place {
    let home = tempfile::tempdir().unwrap();
    let find = |name: &str| match name {
        "PAPPUS_MODEL" => Some("pets".to_owned()),
        name => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    };
    let settings = Settings::read(find, Some(home.path().into())).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    Place { context, _home: home }
}

/// An event of one of our kinds.
pub fn event(what: &impl EventKind) -> Event {
    Event::new("test", what, samples::time(0)).unwrap()
}

/// Figures of a model that is right on so many of a hundred images.
fn report(right: usize) -> Report {
    let answer = |number: usize| {
        let truth = number % 2;
        let answered = if number < right { truth } else { 1 - truth };
        Answer { truth, probabilities: [0, 1].map(|class| if class == answered { 0.9 } else { 0.1 }).to_vec() }
    };
    let answers: Vec<Answer> = (0..100).map(answer).collect();
    Report::new(&[samples::name("cat"), samples::name("dog")], &answers).unwrap()
}

impl Place {
    /// Delivers an event, as a broker does.
    pub async fn deliver(&self, event: &Event) -> Result<(), Failure> {
        let handler = pappus_notify::app(self.context.clone()).unwrap().on_event;
        assert!(handler.takes(event), "{event:?}");
        let outcome = handler.on_event(event.clone()).await?;
        assert_eq!(outcome, pappus_host::Outcome::NOTHING);
        Ok(())
    }

    /// A run that was asked for.
    pub async fn asked(&self) -> RunId {
        let mut run = samples::run(1, "pets");
        run.request.reason = "50 new images".into();
        self.context.catalog.create_run(&run).await.unwrap();
        run.request.run
    }

    /// A version that was judged, against a champion if there is one.
    pub async fn judged(&self, number: u64, passed: bool, champion: Option<u64>) -> ModelEvaluated {
        self.context.catalog.record_model(&samples::manifest(number, "pets")).await.unwrap();
        let gate = |name: &str, passed, figures: &str| Gate { name: name.into(), passed, figures: figures.into() };
        let gates = vec![
            gate("enough-test-images", true, "100 test images of 2 classes, 50 of `cat`; at least 20 are wanted"),
            gate("calibrated", passed, "stated and true certainty differ by 7.0 % on average; < 25 % & more is wanted"),
        ];
        let evaluation = Evaluation {
            champion: champion.map(samples::version),
            report: report(97),
            champion_report: champion.map(|_| report(95)),
            verdict: Verdict { passed, gates },
            ..samples::evaluation(number, "pets", 1, 0)
        };
        self.context.catalog.record_evaluation(&evaluation).await.unwrap();
        let Evaluation { model, version, data_set, .. } = evaluation;
        ModelEvaluated { model, version, data_set, passed }
    }

    /// Releases a version, or rolls back to it.
    pub async fn change(&self, action: ReleaseAction, actor: &str, version: &ModelVersion) -> ReleaseChanged {
        let catalog = &self.context.catalog;
        let current = catalog.release(&samples::name("pets")).await.unwrap();
        let next = Release::promote(current.as_ref(), &samples::name("pets"), version).unwrap();
        let reason = "passed its evaluation\non data set 123".into();
        let change = Change { action, actor: actor.into(), reason, at: samples::time(60) };
        catalog.change_release(current.as_ref(), &next, change).await.unwrap();
        ReleaseChanged { model: next.model, generation: next.generation, champion: next.champion }
    }

    /// What was written down, in order.
    pub async fn records(&self) -> Vec<String> {
        let found = self.context.objects.list("notifications/", None, 100).await.unwrap();
        found.into_iter().map(|meta| meta.key.to_string()).collect()
    }
}

/// A training that failed.
pub fn failed(run: RunId) -> TrainingFailed {
    TrainingFailed { model: samples::name("pets"), run, message: "there are no labelled images <!channel>".into() }
}
