//! How far a Job has come, from what Kubernetes says of it and of its pods.

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pappus_domain::Timestamp;

use crate::launcher::JobState;

/// Why a container waits whose image cannot be had.
const NO_IMAGE: [&str; 5] =
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"];
/// Why a container waits that begins as it should.
const BEGINNING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// How far a Job has come.
pub fn state(job: &Job, pods: &[Pod]) -> JobState {
    if condition(job, "Complete").is_some() {
        return JobState::Succeeded;
    }
    let newest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone());
    if let Some(failed) = condition(job, "Failed") {
        return JobState::Failed { why: why_failed(job, failed, newest) };
    }
    if job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true) {
        return JobState::Pending { why: Some("the job is suspended".into()), since: created(job) };
    }
    // Whatever keeps pods from being made, such as a quota, is not said of the Job.
    newest.map_or_else(|| JobState::Pending { why: None, since: created(job) }, of_pod)
}

/// A condition that holds.
fn condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}

fn created(job: &Job) -> Timestamp {
    time(job.status.as_ref().and_then(|status| status.start_time.as_ref()).or(job.metadata.creation_timestamp.as_ref()))
}

/// A time of Kubernetes, which counts seconds.
fn time(time: Option<&Time>) -> Timestamp {
    time.and_then(|time| Timestamp::from_second(time.0.as_second()).ok()).unwrap_or_else(Timestamp::now)
}

fn why_failed(job: &Job, failed: &JobCondition, newest: Option<&Pod>) -> String {
    if failed.reason.as_deref() == Some("DeadlineExceeded") {
        let seconds = job.spec.as_ref().and_then(|spec| spec.active_deadline_seconds).unwrap_or_default();
        return format!("the job took longer than the {seconds} seconds of activeDeadlineSeconds of the template");
    }
    let said = failed.message.as_deref().or(failed.reason.as_deref()).unwrap_or("the job failed");
    newest.and_then(cause).unwrap_or_else(|| said.to_owned())
}

/// What ended a pod.
fn cause(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let ended: Vec<&ContainerStateTerminated> = statuses(pod).filter_map(terminated).collect();
    if ended.iter().any(|end| end.reason.as_deref() == Some("OOMKilled")) {
        return Some("the container ran out of memory: raise resources.limits.memory of the template".into());
    }
    if let Some(reason) = &status.reason {
        let message = status.message.as_deref().unwrap_or("no more is said");
        return Some(format!("its pod was ended ({reason}): {message}"));
    }
    let end = ended.into_iter().find(|end| end.exit_code != 0)?;
    let last = end.message.as_deref().and_then(|said| said.lines().rev().find(|line| !line.trim().is_empty()));
    let last = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    Some(format!("the container ended with exit code {}{last}", end.exit_code))
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let own = status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten();
    let initial = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    own.chain(initial)
}

/// How a container ended, now or the last time.
fn terminated(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    states.into_iter().flatten().find_map(|state| state.terminated.as_ref())
}

fn of_pod(pod: &Pod) -> JobState {
    let status = pod.status.as_ref();
    let since = time(pod.metadata.creation_timestamp.as_ref());
    match status.and_then(|status| status.phase.as_deref()) {
        Some("Pending") | None => unscheduled(pod).unwrap_or_else(|| JobState::Pending { why: waiting(pod), since }),
        Some("Failed") => {
            let why = cause(pod).map(|cause| format!("it is tried again, for {cause}"));
            JobState::Pending { why, since: ended(pod).unwrap_or(since) }
        }
        // One whose node is lost may be at work yet; of one that has succeeded the Job will say so.
        _ => JobState::Running,
    }
}

/// A pod for which there is no room.
fn unscheduled(pod: &Pod) -> Option<JobState> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let message = condition.message.as_deref().unwrap_or("no node takes the pod");
    let since = time(condition.last_transition_time.as_ref().or(pod.metadata.creation_timestamp.as_ref()));
    Some(JobState::Pending { why: Some(format!("no room in the cluster: {message}")), since })
}

/// What keeps a container from beginning.
fn waiting(pod: &Pod) -> Option<String> {
    statuses(pod).find_map(|container| {
        let ContainerStateWaiting { reason, message } = container.state.as_ref()?.waiting.as_ref()?;
        let reason = reason.as_deref().filter(|reason| !BEGINNING.contains(reason))?;
        let message = message.as_deref().unwrap_or("no more is said");
        Some(if NO_IMAGE.contains(&reason) {
            format!("image `{}` cannot be pulled ({reason}): {message}", container.image)
        } else {
            format!("the container cannot begin ({reason}): {message}")
        })
    })
}

/// When the last container of a pod ended.
fn ended(pod: &Pod) -> Option<Timestamp> {
    statuses(pod).filter_map(|container| terminated(container)?.finished_at.as_ref()).map(|at| time(Some(at))).max()
}
