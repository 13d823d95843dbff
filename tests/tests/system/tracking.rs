//! MLflow, told by commands and by `pappus up`: the real server that `PAPPUS_TEST_MLFLOW` names, one that is dead, and one
//! that never answers.

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use pappus_tests::{Home, Mlflow, Trained, Up, eventually, neighbour, runtime};
use serde_json::json;

/// The real server; none where there is none, which is said.
fn mlflow() -> Option<Mlflow> {
    neighbour("PAPPUS_TEST_MLFLOW").map(|url| Mlflow { url })
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

#[test]
fn mlflow_is_told_of_the_whole_loop() -> Result<()> {
    let (Some(mlflow), true) = (mlflow(), runtime()?.is_some()) else { return Ok(()) };
    let home = home(&mlflow.url)?;
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
    assert_eq!(mlflow.champion(&model)?.as_ref(), versions.last());
    let found = mlflow.runs(&model)?;
    assert!(found.len() == 2 && found.values().all(|(status, _)| status == "FINISHED"), "{found:?}");

    home.json(&["rollback"])?;
    home.json(&["track"])?;
    assert_eq!(mlflow.champion(&model)?.as_ref(), versions.first());

    let (_, run) = found.into_values().next().context("a run")?;
    let files = mlflow.ask(&format!("artifacts/list?run_id={run}&path=model"), None)?;
    let files = files["files"].as_array().cloned().unwrap_or_default();
    for name in ["model/model.onnx", "model/manifest.json", "model/golden.json"] {
        assert!(files.iter().any(|file| file["path"] == name), "{name} is not among {files:?}");
    }
    let steps = mlflow.ask(&format!("metrics/get-history?run_id={run}&metric_key=scratch/log_loss"), None)?;
    assert!(steps["metrics"].as_array().is_some_and(|steps| steps.len() > 2), "{steps}");
    let status = home.run(&["status"])?.expect(0)?.stdout;
    assert!(status.contains(&format!("tracking     {}, all is told", mlflow.url)), "{status}");
    Ok(())
}

#[test]
fn what_commands_left_while_mlflow_was_away_is_told_by_up() -> Result<()> {
    let (Some(mlflow), true) = (mlflow(), runtime()?.is_some()) else { return Ok(()) };
    let away = home(&nowhere()?)?;
    let model = model_of(&away);
    away.json(&["sample", "photos", "--classes", "2", "--count", "24"])?;
    away.json(&["ingest", "photos"])?;
    let manifest = away.json(&["train", "--recipe", "scratch"])?;
    let version = manifest["version"].as_str().context("a version")?;
    away.json(&["promote", "--force", version])?;
    let status = away.json(&["status"])?;
    assert!(status["tracking"]["waiting"].as_u64() >= Some(4), "{status}");

    let back = Home::copy_of(away.work())?.with("PAPPUS_TRACKING", &mlflow.url).with("PAPPUS_MODEL", &model);
    let up = Up::start(&back)?;
    eventually("up tells what waited", || Ok((back.json(&["status"])?["tracking"]["waiting"] == 0).then_some(())))?;
    assert_eq!(mlflow.champion(&model)?.as_deref(), Some(version));
    let found = mlflow.runs(&model)?;
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
