//! `pappus up` with its trainings in a real Kubernetes API, with the project's own manifests and the rights of its own
//! account. No node is there: a test does what one would, and really runs what a pod asks for.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Function, Home, Service, Up, eventually, neighbour, pictures, runtime};
use serde_json::{Value, json};

const NAMESPACE: &str = "pappus";

/// A cluster of the test's own, and a home whose trainings are its Jobs.
struct Cluster {
    service: Service,
    home: Home,
}

impl Cluster {
    /// None where one is not wanted or cannot be had, which has been said.
    fn new() -> Result<Option<Self>> {
        if neighbour("PAPPUS_TEST_KUBERNETES").is_none() || runtime()?.is_none() {
            return Ok(None);
        }
        if Command::new("kubectl").arg("help").output().is_err() {
            eprintln!("skipped: kubectl is not here");
            return Ok(None);
        }
        let Some(service) = Service::start("kubernetes", &[])? else { return Ok(None) };
        let cluster = Self { service, home: Home::new()? };
        let restricted = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        let metadata = json!({ "name": NAMESPACE, "labels": restricted });
        cluster.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))?;
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s-knative/base/training");
        cluster.kubectl(&["apply", "-k", &manifests.display().to_string()])?;
        let account = cluster.account("pappus-train-trigger")?;
        let Self { service, home } = cluster;
        let launcher = format!("kubernetes://{NAMESPACE}/pappus-training");
        let home = home.with("KUBECONFIG", account).with("PAPPUS_LAUNCHER", launcher);
        Ok(Some(Self { service, home }))
    }

    /// A file with which only a service account of the project gets in, as it would from a pod.
    fn account(&self, name: &str) -> Result<PathBuf> {
        let token = self.kubectl(&["create", "token", name])?;
        let mut config = self.json(&["config", "view", "--raw"])?;
        config["users"][0]["user"] = json!({ "token": token.trim() });
        let path = self.home.work().join(name);
        fs::write(&path, config.to_string())?;
        Ok(path)
    }

    /// As the cluster's admin, in the project's namespace.
    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", self.service.setting("PAPPUS_TEST_KUBERNETES")?);
        command.args(["--namespace", NAMESPACE]).args(arguments);
        Ok(command)
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments)?.stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&self.kubectl(&[arguments, &["--output", "json"]].concat())?)?)
    }

    fn apply(&self, object: &Value) -> Result<()> {
        let mut kubectl = self.command(&["apply", "--filename", "-"])?.stdin(Stdio::piped()).spawn()?;
        kubectl.stdin.take().context("a pipe")?.write_all(object.to_string().as_bytes())?;
        ensure!(kubectl.wait()?.success(), "{object} is refused");
        Ok(())
    }

    /// What there is of a kind.
    fn all(&self, kind: &str) -> Result<Vec<Value>> {
        self.json(&["get", kind])?["items"].as_array().cloned().context("a list")
    }

    /// The pod that waits for a node.
    fn pod(&self) -> Result<Value> {
        eventually("a pod waits for a node", || {
            Ok(self.all("pods")?.into_iter().find(|pod| pod["status"]["phase"] == "Pending"))
        })
    }

    /// Says of a pod what its node would.
    fn say(&self, pod: &Value, phase: &str, state: &Value) -> Result<()> {
        let name = pod["metadata"]["name"].as_str().context("a name")?;
        let container = &pod["spec"]["containers"][0];
        let container = json!({ "name": container["name"], "image": container["image"], "imageID": "", "ready": false,
                                "restartCount": 0, "state": state });
        let status = json!({ "status": { "phase": phase, "containerStatuses": [container] } }).to_string();
        self.kubectl(&["patch", "pod", name, "--subresource", "status", "--type", "merge", "--patch", &status])?;
        Ok(())
    }

    /// Does what a pod asks for, to its end: its container's arguments, with the program that its image has.
    fn work(&self, pod: &Value) -> Result<()> {
        let arguments = pod["spec"]["containers"][0]["args"].as_array().context("arguments")?;
        let arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
        Function::job(&self.home, "train", &arguments)?.wait()?.expect(0).map(drop)
    }

    fn runs(&self) -> Result<Vec<Value>> {
        self.home.json(&["runs"])?.as_array().cloned().context("a list")
    }
}

fn ended_well() -> Value {
    let (at, code) = ("2026-01-01T00:00:00Z", 0);
    json!({ "terminated": { "exitCode": code, "reason": "Completed", "startedAt": at, "finishedAt": at } })
}

fn decide(up: &Up, cause: &Value) -> Result<Value> {
    Ok(up.post("/decisions", "application/json", cause.to_string().as_bytes())?.expect(200)?.body)
}

#[test]
fn the_circle_closes_through_a_job_though_the_api_server_dies_in_between() -> Result<()> {
    let Some(mut cluster) = Cluster::new()? else { return Ok(()) };
    pictures::sample(&cluster.home, "photos", 2, 110)?;
    let up = Up::start(&cluster.home)?;
    cluster.home.json(&["ingest", "photos"])?;
    // Images came from another process: `pappus up` sees them, decides, and asks for a job.
    let pod = cluster.pod().with_context(|| up.log())?;
    let run = cluster.runs()?.first().context("a run")?.clone();
    let id = run["run"].as_str().context("an id")?;
    assert_eq!(run["status"], "requested", "{run}");
    let jobs = cluster.all("jobs")?;
    assert_eq!((jobs.len(), &jobs[0]["metadata"]["name"]), (1, &json!(format!("pappus-train-{id}"))));
    // A second trigger while it waits changes nothing.
    let decided = decide(&up, &json!({ "cause": "schedule" }))?;
    assert_eq!(decided["decision"]["hindrance"]["hindrance"], "under-way", "{decided}");
    // The job works and ends while nobody can be asked about it.
    cluster.service.kill()?;
    cluster.work(&pod)?;
    let run = cluster.runs()?.first().context("a run")?.clone();
    assert_eq!((&run["run"], &run["status"]), (&json!(id), &json!("succeeded")), "{run}");
    ensure!(cluster.service.start_with(&[])?, "it was to be had before");
    cluster.say(&pod, "Succeeded", &ended_well())?;
    // Only now is it told of: judged, and released.
    let champion = eventually("the model is released", || {
        let status = cluster.home.json(&["status"])?;
        Ok(status["release"]["champion"].as_str().map(str::to_owned))
    })
    .with_context(|| up.log())?;
    assert_eq!(run["version"], champion.as_str());
    eventually("the job is seen to have ended well", || {
        let jobs = cluster.all("jobs")?;
        Ok((jobs.len() == 1 && jobs[0]["status"]["succeeded"] == 1).then_some(()))
    })?;
    assert_eq!(cluster.runs()?.len(), 1, "one run, which was trained once");
    up.stop().map(drop)
}

#[test]
fn a_run_that_is_cancelled_has_no_job_any_more() -> Result<()> {
    let Some(cluster) = Cluster::new()? else { return Ok(()) };
    pictures::sample(&cluster.home, "photos", 2, 20)?;
    cluster.home.json(&["ingest", "photos"])?;
    let up = Up::start(&cluster.home)?;
    decide(&up, &json!({ "cause": "operator", "reason": "to be cancelled" }))?;
    cluster.pod().with_context(|| up.log())?;
    let id = cluster.runs()?[0]["run"].as_str().context("an id")?.to_owned();
    cluster.home.run(&["cancel", &id])?.expect(0)?;
    eventually("its job is gone", || Ok(cluster.all("jobs")?.is_empty().then_some(())))?;
    assert_eq!(cluster.runs()?[0]["status"], "failed");
    up.stop().map(drop)
}
