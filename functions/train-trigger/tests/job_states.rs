//! What is read out of a Job and its pods.
#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)] // a test may panic

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use pappus_domain::Timestamp;
use pappus_train_trigger::JobState;
use pappus_train_trigger::kubernetes::state;
use serde_json::{Value, json};

const CREATED: &str = "2026-11-25T10:00:00Z";
const LATER: &str = "2026-11-25T10:05:00Z";

fn job(status: Value) -> Job {
    let template = json!({ "spec": { "containers": [] } });
    serde_json::from_value(json!({
        "metadata": { "name": "job", "creationTimestamp": CREATED },
        "spec": { "activeDeadlineSeconds": 3600, "template": template },
        "status": status,
    }))
    .unwrap()
}

fn ended(kind: &str, reason: &str, message: &str) -> Job {
    job(json!({ "conditions": [{ "type": kind, "status": "True", "reason": reason, "message": message }] }))
}

fn pod(created: &str, status: Value) -> Pod {
    let metadata = json!({ "name": "pod", "creationTimestamp": created });
    serde_json::from_value(json!({ "metadata": metadata, "status": status })).unwrap()
}

/// The status of a pod with one container.
fn container(phase: &str, state: &Value) -> Value {
    let status = json!({
        "name": "train", "image": "pappus-train:9", "imageID": "", "ready": false, "restartCount": 0, "state": state,
    });
    json!({ "phase": phase, "containerStatuses": [status] })
}

fn terminated(reason: &str, code: i32, message: &str) -> Value {
    let end = json!({ "reason": reason, "exitCode": code, "message": message, "finishedAt": LATER });
    container("Failed", &json!({ "terminated": end }))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn pending(why: Option<&str>, since: &str) -> JobState {
    JobState::Pending { why: why.map(Into::into), since: time(since) }
}

#[test]
fn a_job_that_is_complete_has_succeeded_and_one_without_a_pod_waits() {
    assert_eq!(state(&ended("Complete", "", ""), &[]), JobState::Succeeded);
    assert_eq!(state(&job(json!({})), &[]), pending(None, CREATED));
    assert_eq!(state(&job(json!({ "startTime": LATER })), &[]), pending(None, LATER));
    let mut suspended = job(json!({}));
    suspended.spec.as_mut().unwrap().suspend = Some(true);
    assert_eq!(state(&suspended, &[]), pending(Some("the job is suspended"), CREATED));
}

#[test]
fn a_pod_at_work_is_a_job_at_work() {
    for phase in ["Running", "Unknown", "Succeeded"] {
        let running = pod(CREATED, container(phase, &json!({ "running": {} })));
        assert_eq!(state(&job(json!({ "active": 1 })), &[running]), JobState::Running);
    }
}

#[test]
fn a_pod_without_room_waits_with_the_scheduler_s_words() {
    let message = "0/3 nodes are available: 3 Insufficient memory.";
    let status = json!({
        "phase": "Pending",
        "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
            "lastTransitionTime": LATER,
        }],
    });
    let why = format!("no room in the cluster: {message}");
    assert_eq!(state(&job(json!({})), &[pod(CREATED, status)]), pending(Some(&why), LATER));
}

#[test]
fn a_container_that_cannot_begin_says_why() {
    for (reason, message, says) in [
        ("ContainerCreating", "", None),
        (
            "ImagePullBackOff",
            "Back-off pulling image",
            Some("image `pappus-train:9` cannot be pulled (ImagePullBackOff): Back-off pulling image"),
        ),
        (
            "CreateContainerConfigError",
            "secret \"pappus\" not found",
            Some("the container cannot begin (CreateContainerConfigError): secret \"pappus\" not found"),
        ),
    ] {
        let waiting = json!({ "waiting": { "reason": reason, "message": message } });
        let pod = pod(CREATED, container("Pending", &waiting));
        assert_eq!(state(&job(json!({})), &[pod]), pending(says, CREATED));
    }
}

#[test]
fn a_job_that_failed_says_what_its_last_pod_died_of() {
    let failed = ended("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on memory." });
    for (pods, says) in [
        (vec![], "Job has reached the specified backoff limit"),
        (
            vec![pod(LATER, terminated("OOMKilled", 137, "")), pod(CREATED, terminated("Error", 1, "first"))],
            "the container ran out of memory: raise resources.limits.memory of the template",
        ),
        (
            vec![pod(CREATED, terminated("Error", 2, "loading\nerror: PAPPUS_CATALOG cannot be used\n\n"))],
            "the container ended with exit code 2: error: PAPPUS_CATALOG cannot be used",
        ),
        (vec![pod(CREATED, evicted)], "its pod was ended (Evicted): The node was low on memory."),
    ] {
        assert_eq!(state(&failed, &pods), JobState::Failed { why: says.into() });
    }
}

#[test]
fn a_job_that_took_too_long_names_the_field_that_says_so() {
    let JobState::Failed { why } = state(&ended("Failed", "DeadlineExceeded", "Job was active too long"), &[]) else {
        panic!("it has failed");
    };
    assert!(why.contains("3600 seconds of activeDeadlineSeconds"), "{why}");
}

#[test]
fn a_job_between_two_attempts_waits_since_the_end_of_the_first() {
    let failed = pod(CREATED, terminated("OOMKilled", 137, ""));
    let JobState::Pending { why: Some(why), since } = state(&job(json!({ "failed": 1 })), &[failed]) else {
        panic!("it is tried again");
    };
    assert!(why.contains("it is tried again") && why.contains("out of memory"), "{why}");
    assert_eq!(since, time(LATER));
}
