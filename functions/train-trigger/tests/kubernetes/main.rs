//! Trainings as Jobs of a real cluster without nodes, where `PAPPUS_TEST_KUBERNETES` names a kubeconfig of its admin.
#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)] // a test may panic

mod cluster;
#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Duration;

use cluster::cluster;
use common::{Place, place};
use kube::{Client, Config};
use pappus_domain::{RunId, RunStatus};
use pappus_host::{Dispose as _, Disposition, Failure, JobTemplate};
use pappus_train_trigger::kubernetes::{Fault, KubernetesLauncher};
use pappus_train_trigger::{Error, JobState, Launcher, Supervisor, Telling};
use serde_json::json;

/// Looks until a job is as it should be.
async fn until(launcher: &KubernetesLauncher, run: RunId, is_so: impl Fn(&JobState) -> bool) -> JobState {
    let looking = async {
        loop {
            let state = launcher.look(run).await.unwrap();
            if is_so(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.unwrap()
}

/// A supervisor of what `launcher` launches, which lets a job wait for so long.
fn supervisor(place: &mut Place, launcher: &KubernetesLauncher, patience: Duration) -> Supervisor {
    let mut settings = (*place.context.settings).clone();
    settings.launch_timeout = patience;
    place.context.settings = Arc::new(settings);
    Supervisor::new(place.context.clone(), Arc::new(launcher.clone()), Telling::ByJob)
}

/// Looks until a run is over, and gives the reason.
async fn over(place: &Place, supervisor: &Supervisor, run: RunId) -> String {
    let rounds = async {
        while !place.run(&run).await.status.is_over() {
            supervisor.round().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), rounds).await.unwrap();
    place.failure(&run).await
}

#[tokio::test]
async fn a_run_is_one_job_which_is_seen_to_wait_to_work_and_to_end() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text).await;
    let (place, launcher) = (place().await, cluster.launcher().await);
    let run = place.asked_now(1).await;
    let request = place.run(&run).await.request;
    assert_eq!(launcher.look(run).await.unwrap(), JobState::Absent);
    launcher.launch(&request).await.unwrap();
    until(&launcher, run, |state| matches!(state, JobState::Pending { why: Some(_), .. })).await;
    launcher.launch(&request).await.unwrap();
    let jobs = cluster.jobs().await;
    assert_eq!(jobs.len(), 1, "the second is the first");
    assert_eq!(jobs[0].metadata.labels.as_ref().unwrap()["pappus.io/run"], run.to_string());

    let pod = cluster.pod().await;
    let arguments = pod.spec.as_ref().unwrap().containers[0].args.clone().unwrap();
    assert_eq!(arguments.last().unwrap(), &run.to_string());
    cluster.say(&pod, "Running", json!({ "running": {} })).await;
    until(&launcher, run, |state| *state == JobState::Running).await;
    // No node has any; that they may be asked for is the point.
    assert_eq!(launcher.logs(run, 10).await.unwrap(), "");
    cluster.say(&pod, "Succeeded", json!({ "terminated": { "exitCode": 0, "reason": "Completed" } })).await;
    until(&launcher, run, |state| *state == JobState::Succeeded).await;

    launcher.cancel(run).await.unwrap();
    until(&launcher, run, |state| *state == JobState::Absent).await;
    launcher.cancel(run).await.unwrap();
    cluster.end().await;
}

#[tokio::test]
async fn a_container_without_memory_fails_its_run_with_what_to_do() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text.replace("backoffLimit: 1", "backoffLimit: 0")).await;
    let (mut place, launcher) = (place().await, cluster.launcher().await);
    let run = place.asked_now(1).await;
    let supervisor = supervisor(&mut place, &launcher, Duration::from_secs(600));
    supervisor.launch(&place.run(&run).await.request).await.unwrap();
    let pod = cluster.pod().await;
    cluster.say(&pod, "Failed", json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } })).await;
    let said = over(&place, &supervisor, run).await;
    assert_eq!(said, "the container ran out of memory: raise resources.limits.memory of the template");
    cluster.end().await;
}

#[tokio::test]
async fn a_pod_without_room_is_given_up_with_the_scheduler_s_words_and_another_may_come() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text).await;
    let (mut place, launcher) = (place().await, cluster.launcher().await);
    let run = place.asked_now(1).await;
    let supervisor = supervisor(&mut place, &launcher, Duration::from_secs(3));
    supervisor.launch(&place.run(&run).await.request).await.unwrap();
    let trigger = place.trigger.clone().with_jobs(Arc::new(launcher.clone()));
    until(&launcher, run, |state| matches!(state, JobState::Pending { why: Some(_), .. })).await;
    assert_eq!(trigger.under_way().await.unwrap(), Some(run.to_string()));
    let said = over(&place, &supervisor, run).await;
    assert!(said.starts_with("no room in the cluster: ") && said.contains("within 3 seconds"), "{said}");
    until(&launcher, run, |state| *state == JobState::Absent).await;
    assert_eq!(trigger.under_way().await.unwrap(), None);
    cluster.end().await;
}

#[tokio::test]
async fn a_job_that_somebody_deletes_fails_its_run() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text).await;
    let (mut place, launcher) = (place().await, cluster.launcher().await);
    let run = place.asked_now(1).await;
    let supervisor = supervisor(&mut place, &launcher, Duration::from_secs(600));
    supervisor.launch(&place.run(&run).await.request).await.unwrap();
    supervisor.round().await;
    launcher.cancel(run).await.unwrap();
    assert!(over(&place, &supervisor, run).await.contains("its job is gone"));
    cluster.end().await;
}

/// What a launch fails with, whose run then says so.
async fn refused(launcher: KubernetesLauncher) -> String {
    let mut place = place().await;
    let run = place.asked_now(1).await;
    let supervisor = supervisor(&mut place, &launcher, Duration::from_secs(600));
    let failure: Failure = supervisor.launch(&place.run(&run).await.request).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Refused, "{failure}");
    assert_eq!(place.failure(&run).await, failure.to_string());
    failure.to_string()
}

#[tokio::test]
async fn what_is_wrong_with_a_template_is_said_with_its_place() {
    let Some(cluster) = cluster().await else { return };
    let said = refused(cluster.launcher().await).await;
    assert!(said.contains(&format!("there is no ConfigMap `pappus-training` in namespace `{}`", cluster.namespace)));
    cluster.template(|text| text.split("      containers:").next().unwrap().to_owned()).await;
    let said = refused(cluster.launcher().await).await;
    assert!(said.contains("key `job.yaml` of ConfigMap `pappus-training`"), "{said}");
    assert!(said.contains("it has no container"), "{said}");
    cluster.end().await;
}

#[tokio::test]
async fn a_limit_that_is_misspelt_is_not_passed_over() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text.replace("activeDeadlineSeconds", "activeDedlineSeconds")).await;
    let said = refused(cluster.launcher().await).await;
    assert!(
        said.contains("the cluster refuses to create jobs.batch") && said.contains("activeDedlineSeconds"),
        "{said}"
    );
    cluster.end().await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let Some(cluster) = cluster().await else { return };
    let said = refused(cluster.launcher_in("default").await).await;
    assert!(said.starts_with("this account may not get configmaps in namespace `default`"), "{said}");
    cluster.end().await;
}

#[tokio::test]
async fn the_account_that_launches_may_do_nothing_else() {
    let Some(cluster) = cluster().await else { return };
    let here = format!("namespaces/{}", cluster.namespace);
    for (verb, path) in [
        ("list", format!("api/v1/{here}/secrets")),
        ("get", format!("api/v1/{here}/secrets/pappus")),
        ("list", format!("api/v1/{here}/configmaps")),
        ("get", format!("api/v1/{here}/configmaps/pappus")),
        ("list", format!("apis/batch/v1/{here}/jobs")),
        ("get", format!("api/v1/{here}/pods/one")),
        ("list", "apis/batch/v1/namespaces/default/jobs".to_owned()),
        ("get", "apis/batch/v1/namespaces/default/jobs/pappus-train-1".to_owned()),
        ("list", "api/v1/nodes".to_owned()),
        ("list", "api/v1/namespaces".to_owned()),
    ] {
        assert_eq!(cluster.answer_to_account(&path).await, 403, "{verb} {path}");
    }
    let own = format!("api/v1/{here}/pods");
    assert_eq!(cluster.answer_to_account(&own).await, 200, "what it needs it may");
    cluster.end().await;
}

#[tokio::test]
async fn a_namespace_that_takes_no_more_is_asked_again_later() {
    let Some(cluster) = cluster().await else { return };
    cluster.template(|text| text).await;
    cluster.no_jobs().await;
    let (place, launcher) = (place().await, cluster.launcher().await);
    let run = place.asked_now(1).await;
    let error = launcher.launch(&place.run(&run).await.request).await.unwrap_err();
    assert!(matches!(error, Error::Kubernetes(Fault::Denied { .. })), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Unavailable);
    assert_eq!(place.run(&run).await.status, RunStatus::Requested);
    cluster.end().await;
}

#[tokio::test]
async fn an_api_server_that_is_away_says_nothing_of_a_run() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let launcher = KubernetesLauncher::new(
        client,
        JobTemplate { namespace: "plants".into(), config_map: "pappus-training".into() },
    );
    let mut place = place().await;
    let run = place.asked_now(1).await;
    let supervisor = supervisor(&mut place, &launcher, Duration::ZERO);
    let failure = supervisor.launch(&place.run(&run).await.request).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
    assert!(failure.to_string().contains("cannot be reached"), "{failure}");
    for _ in 0..3 {
        supervisor.round().await;
    }
    assert_eq!(place.run(&run).await.status, RunStatus::Requested);
}
