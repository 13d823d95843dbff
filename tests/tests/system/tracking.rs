//! MLflow, told by commands and by `pappus up`: the real server that `PAPPUS_TEST_MLFLOW` names, one that is dead, and one
//! that never answers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Home, Trained, Up, eventually, runtime};
use serde_json::{Value, json};

/// The real server; none where there is none, which is said.
fn mlflow() -> Option<String> {
    let url = std::env::var("PAPPUS_TEST_MLFLOW").ok();
    if url.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: PAPPUS_TEST_MLFLOW does not name an MLflow server");
    }
    url
}

/// An address where nobody listens.
fn nowhere() -> Result<String> {
    let free = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(format!("http://{}", free.local_addr()?))
}

/// A home whose model is called as no other, for the real server has many.
fn home(tracking: &str) -> Result<Home> {
    let home = Home::new()?.with("PAPPUS_TRACKING", tracking);
    let model = model_of(&home);
    Ok(home.with("PAPPUS_MODEL", model))
}

fn model_of(home: &Home) -> String {
    let folder = home.work().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    format!("plants-{}", pappus_domain::Digest::of(folder.as_bytes()).short(12))
}

fn ask(url: &str, call: &str, body: Option<Value>) -> Result<Value> {
    let url = format!("{url}/api/2.0/mlflow/{call}");
    let mut answer = match body {
        None => ureq::get(&url).call()?,
        Some(body) => ureq::post(&url).header("content-type", "application/json").send(body.to_string())?,
    };
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

/// The runs of a model, by our ids of them: status and MLflow's id.
fn runs(url: &str, model: &str) -> Result<BTreeMap<String, (String, String)>> {
    let experiment = ask(url, &format!("experiments/get-by-name?experiment_name={model}"), None)?;
    let id = &experiment["experiment"]["experiment_id"];
    let found = ask(url, "runs/search", Some(json!({ "experiment_ids": [id] })))?;
    let found = found["runs"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let run = |run: &Value| {
        let tags = run["data"]["tags"].as_array().cloned().unwrap_or_default();
        let ours = tags.iter().find(|tag| tag["key"] == "pappus.run_id").map(|tag| text(&tag["value"]));
        (ours.unwrap_or_default(), (text(&run["info"]["status"]), text(&run["info"]["run_id"])))
    };
    let all: BTreeMap<_, _> = found.iter().map(run).collect();
    ensure!(all.len() == found.len(), "a run stands twice: {found:?}");
    Ok(all)
}

/// The version behind `champion`, by our name of it.
fn champion(url: &str, model: &str) -> Result<Option<String>> {
    let Ok(found) = ask(url, &format!("registered-models/alias?name={model}&alias=champion"), None) else {
        return Ok(None);
    };
    let tags = found["model_version"]["tags"].as_array().cloned().unwrap_or_default();
    let version = tags.iter().find(|tag| tag["key"] == "pappus.version").context("it is not ours")?;
    Ok(version["value"].as_str().map(str::to_owned))
}

#[test]
fn mlflow_is_told_of_the_whole_loop() -> Result<()> {
    let (Some(url), true) = (mlflow(), runtime()?.is_some()) else { return Ok(()) };
    let home = home(&url)?;
    let model = model_of(&home);
    home.json(&["sample", "photos", "--classes", "2", "--count", "24"])?;
    home.json(&["ingest", "photos"])?;
    let mut versions = Vec::new();
    for seed in ["1", "2"] {
        let manifest = home.json(&["train", "--recipe", "scratch", "--seed", seed])?;
        let version = manifest["version"].as_str().context("a version")?.to_owned();
        home.run(&["evaluate", &version])?.expect(1)?;
        home.json(&["promote", "--force", &version])?;
        versions.push(version);
    }
    let told = home.json(&["track"])?;
    assert_eq!((&told["tracking"]["waiting"], &told["tracking"]["refused"]), (&json!(0), &json!(0)), "{told}");
    assert_eq!(champion(&url, &model)?.as_ref(), versions.last());
    let found = runs(&url, &model)?;
    assert!(found.len() == 2 && found.values().all(|(status, _)| status == "FINISHED"), "{found:?}");

    home.json(&["rollback"])?;
    home.json(&["track"])?;
    assert_eq!(champion(&url, &model)?.as_ref(), versions.first());

    let (_, run) = found.into_values().next().context("a run")?;
    let files = ask(&url, &format!("artifacts/list?run_id={run}&path=model"), None)?;
    let files = files["files"].as_array().cloned().unwrap_or_default();
    for name in ["model/model.onnx", "model/manifest.json", "model/golden.json"] {
        assert!(files.iter().any(|file| file["path"] == name), "{name} is not among {files:?}");
    }
    let steps = ask(&url, &format!("metrics/get-history?run_id={run}&metric_key=scratch/log_loss"), None)?;
    assert!(steps["metrics"].as_array().is_some_and(|steps| steps.len() > 2), "{steps}");
    let status = home.run(&["status"])?.expect(0)?.stdout;
    assert!(status.contains(&format!("tracking     {url}, all is told")), "{status}");
    Ok(())
}

#[test]
fn what_commands_left_while_mlflow_was_away_is_told_by_up() -> Result<()> {
    let (Some(url), true) = (mlflow(), runtime()?.is_some()) else { return Ok(()) };
    let away = home(&nowhere()?)?;
    let model = model_of(&away);
    away.json(&["sample", "photos", "--classes", "2", "--count", "24"])?;
    away.json(&["ingest", "photos"])?;
    let manifest = away.json(&["train", "--recipe", "scratch"])?;
    let version = manifest["version"].as_str().context("a version")?;
    away.json(&["promote", "--force", version])?;
    let status = away.json(&["status"])?;
    assert!(status["tracking"]["waiting"].as_u64() >= Some(4), "{status}");

    let back = Home::copy_of(away.work())?.with("PAPPUS_TRACKING", &url).with("PAPPUS_MODEL", &model);
    let up = Up::start(&back)?;
    eventually("up tells what waited", || Ok((back.json(&["status"])?["tracking"]["waiting"] == 0).then_some(())))?;
    assert_eq!(champion(&url, &model)?.as_deref(), Some(version));
    let found = runs(&url, &model)?;
    assert!(found.len() == 1 && found.values().all(|(status, _)| status == "FINISHED"), "{found:?}");
    let metrics = ureq::get(format!("http://{}/metrics", up.address())).call()?.body_mut().read_to_string()?;
    assert!(metrics.contains("\ntracking_waiting 0\n"), "{metrics}");
    up.stop()?;
    Ok(())
}

#[test]
fn a_dead_or_silent_mlflow_keeps_no_release_back() -> Result<()> {
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    // Connections to it are made, and no more.
    let silent = TcpListener::bind(("127.0.0.1", 0))?;
    let silent_url = format!("http://{}", silent.local_addr()?);
    for (tracking, why) in [(nowhere()?, "cannot be reached"), (silent_url, "no answer within")] {
        let home = Home::copy_of(trained.work())?.with("PAPPUS_TRACKING", &tracking);
        let changed = home.json(&["rollback"])?;
        assert_eq!(changed["release"]["champion"], trained.first.as_str());
        let status = home.json(&["status"])?;
        let told = &status["tracking"];
        assert_eq!((&told["server"], &told["waiting"]), (&json!(tracking), &json!(1)), "{told}");
        assert!(told["oldest"].is_string() && told["trouble"].as_str().is_some_and(|t| t.contains(why)), "{told}");
        let lines = home.run(&["status"])?.expect(0)?.stdout;
        assert!(lines.contains(&format!("tracking     {tracking}, 1 to be told since ")), "{lines}");
        assert!(lines.contains(why), "{lines}");
        // Where it is turned off again, what waits is still counted.
        let off = Home::copy_of(home.work())?;
        let lines = off.run(&["status"])?.expect(0)?.stdout;
        assert!(lines.contains("tracking     no server (PAPPUS_TRACKING), 1 to be told"), "{lines}");
    }
    Ok(())
}

#[test]
fn telling_says_what_is_in_its_way() -> Result<()> {
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let refusal = trained.refusal(2, &["track"])?;
    assert!(refusal.contains("PAPPUS_TRACKING"), "{refusal}");
    let tracking = nowhere()?;
    let home = Home::copy_of(trained.work())?.with("PAPPUS_TRACKING", &tracking);
    assert_eq!(home.json(&["track"])?["told"], 0, "nothing waits, so nobody is asked");
    home.json(&["rollback"])?;
    let refusal = home.refusal(1, &["track"])?;
    assert!(refusal.starts_with(&format!("MLflow at {tracking} cannot be reached")), "{refusal}");
    let secret = Home::new()?.with("PAPPUS_TRACKING", "ftp://ada:s3cret@mlflow");
    let refusal = secret.refusal(2, &["status"])?;
    assert!(refusal.starts_with("PAPPUS_TRACKING is `ftp://…@mlflow`: ") && !refusal.contains("s3cret"), "{refusal}");
    Ok(())
}
