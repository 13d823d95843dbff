//! What becomes of a run whose job does not do what it was launched for, and of a job whose run is over.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::{Launched, Place, place};
use jiff::SignedDuration;
use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelTrained, TrainingFailed};
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::{Lease, RunId, RunStatus, Timestamp};
use pappus_train_trigger::{Error, JobState, Supervisor, Telling, cancel};

struct Watch {
    place: Place,
    jobs: Arc<Launched>,
    supervisor: Supervisor,
    id: RunId,
}

/// A run that has been launched, with a supervisor that looks when it is told to.
async fn watch() -> Watch {
    let watch = unlaunched(Telling::ByJob).await;
    watch.supervisor.launch(&watch.place.run(&watch.id).await.request).await.unwrap();
    watch
}

async fn unlaunched(telling: Telling) -> Watch {
    asked_at(telling, Timestamp::now()).await
}

async fn asked_at(telling: Telling, at: Timestamp) -> Watch {
    let place = place().await;
    let id = place.asked_at(1, at).await;
    let jobs = Arc::new(Launched::default());
    let supervisor = Supervisor::new(place.context.clone(), jobs.clone(), telling);
    Watch { place, jobs, supervisor, id }
}

impl Watch {
    async fn status(&self) -> RunStatus {
        self.place.run(&self.id).await.status
    }

    async fn moved(&self, status: RunStatus, at: Timestamp) {
        assert!(self.place.context.catalog.update_run(&self.id, None, &status, at).await.unwrap());
    }

    /// Somebody is at work on the run, until the lease is given back.
    async fn at_work(&self) -> Lease {
        let (catalog, name) = (&self.place.context.catalog, Lease::for_training(&samples::name("pets")));
        catalog.acquire_lease(&name, &format!("{}/process/1", self.id), Timestamp::now()).await.unwrap();
        catalog.lease(&name).await.unwrap().unwrap()
    }
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

fn failed(message: &str) -> RunStatus {
    RunStatus::Failed { message: message.into() }
}

#[tokio::test]
async fn a_job_that_fails_fails_its_run_and_mlflow_is_told() {
    let watch = watch().await;
    assert!(watch.supervisor.round().await);
    assert_eq!(watch.status().await, RunStatus::Requested);
    watch.jobs.says(JobState::Failed { why: "the container ran out of memory".into() });
    watch.supervisor.round().await;
    assert_eq!(watch.place.failure(&watch.id).await, "the container ran out of memory");
    assert_eq!(watch.place.context.objects.list("tracking/outbox/", None, 100).await.unwrap().len(), 1);
    watch.supervisor.round().await;
    assert!(!watch.supervisor.round().await, "nothing is left to look at");
}

#[tokio::test]
async fn a_job_that_waits_too_long_is_given_up_with_what_it_waits_for() {
    let watch = watch().await;
    let why = Some("no room in the cluster: 0/3 nodes are available: 3 Insufficient memory.".into());
    watch.jobs.says(JobState::Pending { why: why.clone(), since: ago(590) });
    watch.supervisor.round().await;
    assert_eq!(watch.status().await, RunStatus::Requested, "ten minutes are its own");
    watch.jobs.says(JobState::Pending { why, since: ago(610) });
    watch.supervisor.round().await;
    let said = watch.place.failure(&watch.id).await;
    assert!(said.starts_with("no room in the cluster: 0/3 nodes are available: 3 Insufficient memory."), "{said}");
    assert!(said.contains("did not begin within 600 seconds"), "{said}");
    assert_eq!(watch.jobs.cancelled(), [watch.id]);
}

#[tokio::test]
async fn a_job_that_ends_well_and_leaves_its_run_undone_fails_it() {
    let watch = watch().await;
    watch.jobs.says(JobState::Succeeded);
    watch.supervisor.round().await;
    let said = watch.place.failure(&watch.id).await;
    assert!(said.contains("left the run undone"), "{said}");
}

#[tokio::test]
async fn a_job_that_somebody_deletes_fails_its_run() {
    let watch = watch().await;
    watch.jobs.says(JobState::Absent);
    watch.supervisor.round().await;
    assert_eq!(watch.status().await, RunStatus::Requested, "its end may be written in this moment");
    watch.supervisor.round().await;
    let said = watch.place.failure(&watch.id).await;
    assert!(said.contains("its job is gone"), "{said}");
}

#[tokio::test]
async fn a_supervisor_that_has_just_begun_knows_which_runs_had_a_job() {
    let watch = unlaunched(Telling::ByJob).await;
    for _ in 0..3 {
        watch.supervisor.round().await;
    }
    assert_eq!(watch.status().await, RunStatus::Requested, "whoever is to launch it may be on the way");
    watch.moved(RunStatus::RUNNING, Timestamp::now()).await;
    let lease = watch.at_work().await;
    for _ in 0..3 {
        watch.supervisor.round().await;
    }
    assert_eq!(watch.status().await, RunStatus::RUNNING, "somebody is at work on it elsewhere");
    watch.place.context.catalog.release_lease(&lease).await.unwrap();
    for _ in 0..2 {
        watch.supervisor.round().await;
    }
    assert!(watch.place.failure(&watch.id).await.starts_with("it was cut off"));
}

#[tokio::test]
async fn of_two_jobs_for_one_run_that_which_gives_way_fails_nothing() {
    let watch = watch().await;
    watch.moved(RunStatus::RUNNING, Timestamp::now()).await;
    let lease = watch.at_work().await;
    for state in [JobState::Succeeded, JobState::Failed { why: "it gave way".into() }, JobState::Absent] {
        watch.jobs.says(state);
        watch.supervisor.round().await;
        watch.supervisor.round().await;
        assert_eq!(watch.status().await, RunStatus::RUNNING);
    }
    watch.place.context.catalog.release_lease(&lease).await.unwrap();
    watch.supervisor.round().await;
    assert!(watch.status().await.is_over());
}

#[tokio::test]
async fn a_cluster_that_is_away_never_fails_a_run_and_is_asked_again_to_launch_it() {
    let watch = unlaunched(Telling::ByJob).await;
    watch.jobs.is_away.store(true, Ordering::Relaxed);
    let request = watch.place.run(&watch.id).await.request;
    watch.supervisor.launch(&request).await.unwrap_err();
    for _ in 0..3 {
        assert!(watch.supervisor.round().await);
    }
    assert_eq!((watch.status().await, watch.jobs.launched()), (RunStatus::Requested, Vec::new()));
    watch.jobs.is_away.store(false, Ordering::Relaxed);
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.launched(), [watch.id]);
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.launched(), [watch.id], "once");
}

#[tokio::test]
async fn a_run_that_nobody_came_to_launch_is_launched() {
    let watch = asked_at(Telling::ByJob, ago(11)).await;
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.launched(), [watch.id], "whoever was to has ended");
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.launched(), [watch.id], "once");
}

#[tokio::test]
async fn a_run_that_cannot_be_launched_for_long_fails_with_the_reason() {
    let watch = asked_at(Telling::ByJob, ago(599)).await;
    watch.jobs.is_full.store(true, Ordering::Relaxed);
    let run = watch.place.run(&watch.id).await;
    watch.supervisor.launch(&run.request).await.unwrap_err();
    assert_eq!(watch.status().await, RunStatus::Requested);
    let under_way = watch.place.trigger.clone().with_jobs(watch.jobs.clone()).under_way().await.unwrap();
    assert_eq!(under_way, Some(watch.id.to_string()), "and no other is asked for meanwhile");
    let late = asked_at(Telling::ByJob, ago(601)).await;
    late.jobs.is_full.store(true, Ordering::Relaxed);
    let run = late.place.run(&late.id).await;
    late.supervisor.launch(&run.request).await.unwrap_err();
    late.supervisor.round().await;
    let said = late.place.failure(&late.id).await;
    assert!(said.contains("exceeded quota") && said.contains("could not be launched within 600 seconds"), "{said}");
}

#[tokio::test]
async fn a_job_that_runs_and_works_at_nothing_is_given_up() {
    let watch = watch().await;
    watch.moved(RunStatus::RUNNING, ago(610)).await;
    watch.supervisor.round().await;
    let said = watch.place.failure(&watch.id).await;
    assert!(said.contains("nobody has been at work on it for 600 seconds"), "{said}");
    assert_eq!(watch.jobs.cancelled(), [watch.id]);
}

#[tokio::test]
async fn what_was_made_while_nobody_looked_is_told_at_the_next_start() {
    for (is_ours, is_judged, is_told) in [(true, false, true), (false, false, false), (true, true, false)] {
        let mut watch = asked_at(Telling::ByRow, ago(60)).await;
        let catalog = watch.place.context.catalog.clone();
        if is_ours {
            let run = Some(watch.id);
            catalog.record_decision(&DecisionRecord { run, ..samples::decision(1, "pets", 0) }).await.unwrap();
        }
        let version = samples::version(7);
        let succeeded = RunStatus::Succeeded { version: version.clone(), metrics: Default::default() };
        watch.moved(succeeded, ago(30)).await;
        if is_judged {
            catalog.record_evaluation(&samples::evaluation(7, "pets", 1, 0)).await.unwrap();
        }
        for _ in 0..2 {
            watch.supervisor.round().await;
        }
        let told = watch.place.published.try_recv().ok().and_then(|event| event.read::<ModelTrained>().unwrap());
        assert_eq!(told.map(|told| told.version), is_told.then_some(version), "{is_ours} {is_judged}");
        assert!(watch.place.published.try_recv().is_err(), "once");
    }
}

#[tokio::test]
async fn a_job_s_own_word_that_it_failed_is_told_here_where_it_is_not_heard() {
    let mut watch = unlaunched(Telling::ByRow).await;
    watch.supervisor.launch(&watch.place.run(&watch.id).await.request).await.unwrap();
    watch.supervisor.round().await;
    watch.moved(failed("there are no labelled images"), Timestamp::now()).await;
    watch.jobs.says(JobState::Failed { why: "it ended with exit code 1".into() });
    watch.supervisor.round().await;
    let told = watch.place.published.try_recv().unwrap().read::<TrainingFailed>().unwrap().unwrap();
    assert_eq!((told.run, told.message.as_str()), (watch.id, "there are no labelled images"));
}

#[tokio::test]
async fn the_job_of_a_run_that_is_over_is_ended_unless_it_ends_by_itself() {
    let watch = watch().await;
    watch.supervisor.round().await;
    watch.moved(failed("cancelled by an operator"), ago(10)).await;
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.cancelled(), [], "it has seen that it is over, and says goodbye");
    watch.jobs.says(JobState::Pending { why: None, since: Timestamp::now() });
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.cancelled(), [watch.id], "nobody is in it yet");
    watch.jobs.says(JobState::Absent);
    watch.supervisor.round().await;
    assert!(!watch.supervisor.round().await);
}

#[tokio::test]
async fn a_job_that_does_not_end_with_its_run_is_ended() {
    let watch = watch().await;
    watch.supervisor.round().await;
    watch.moved(failed("cancelled by an operator"), ago(31)).await;
    watch.supervisor.round().await;
    assert_eq!(watch.jobs.cancelled(), [watch.id]);
}

#[tokio::test]
async fn a_place_that_says_nothing_is_believed_until_nobody_has_been_at_work_for_long() {
    let untold = JobState::Untold { whereabouts: "the log group /aws/lambda/train".into() };
    let watch = asked_at(Telling::ByJob, ago(590)).await;
    watch.jobs.says(untold.clone());
    watch.supervisor.round().await;
    assert_eq!(watch.status().await, RunStatus::Requested, "ten minutes are its own");
    // Each in a process that has just begun, as on AWS Lambda.
    let watch = asked_at(Telling::ByJob, ago(610)).await;
    watch.jobs.says(untold);
    watch.supervisor.round().await;
    let said = watch.place.failure(&watch.id).await;
    assert!(said.contains("nobody has been at work") && said.contains("/aws/lambda/train"), "{said}");
}

#[tokio::test]
async fn what_a_job_has_made_is_told_here_where_the_job_is_not_heard() {
    for (telling, is_told) in [(Telling::ByRow, true), (Telling::ByJob, false)] {
        let mut watch = unlaunched(telling).await;
        watch.supervisor.launch(&watch.place.run(&watch.id).await.request).await.unwrap();
        watch.supervisor.round().await;
        let version = samples::version(7);
        let succeeded = RunStatus::Succeeded { version: version.clone(), metrics: Default::default() };
        watch.moved(succeeded, Timestamp::now()).await;
        watch.jobs.says(JobState::Succeeded);
        watch.supervisor.round().await;
        let told = watch.place.published.try_recv().ok().and_then(|event| event.read::<ModelTrained>().unwrap());
        assert_eq!(told, is_told.then(|| ModelTrained { model: samples::name("pets"), version, run: watch.id }));
        assert!(!watch.supervisor.round().await);
    }
}

#[tokio::test]
async fn an_operator_s_word_ends_a_run_once() {
    let watch = watch().await;
    let context = &watch.place.context;
    let why = "cancelled by an operator";
    let told = cancel(context, watch.id, why).await.unwrap().unwrap();
    assert_eq!((told.run, told.message.as_str()), (watch.id, why));
    assert_eq!(cancel(context, watch.id, "again").await.unwrap(), None, "it was over already");
    assert_eq!(watch.status().await, failed(why));
    let unknown = cancel(context, samples::run(99, "pets").request.run, why).await.unwrap_err();
    assert!(matches!(unknown, Error::NoRun(_)), "{unknown:?}");
}
