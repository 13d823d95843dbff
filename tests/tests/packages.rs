//! What is in the zips for AWS Lambda, run as Lambda does: `scripts/test-packages` makes and unzips them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use pappus_tests::{Home, Lambda, Trained, pictures, runtime};
use serde_json::{Value, json};

/// A function out of its zip, in the folder that this was unzipped into, with nothing in its environment but what Lambda
/// sets and the folder of the embedded stores.
fn unzipped(name: &str, home: &Home) -> Result<Lambda> {
    let all =
        std::env::var_os("PAPPUS_UNZIPPED").context("PAPPUS_UNZIPPED names no folder: run scripts/test-packages")?;
    let folder = PathBuf::from(all).join(name);
    let mut command = Command::new(folder.join("bootstrap"));
    command.current_dir(&folder).env_clear().env("PAPPUS_HOME", home.path());
    Lambda::host(command, name)
}

#[test]
#[ignore = "scripts/test-packages makes what it needs, and runs it"]
fn promote_releases_out_of_its_zip() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    pictures::sample(&home, "photos", 2, 110)?;
    home.json(&["ingest", "photos"])?;
    let version = home.json(&["train", "--recipe", "scratch"])?["version"].clone();
    home.json(&["evaluate", version.as_str().context("a version")?])?;
    let mut promote = unzipped("promote", &home)?;
    let verdict = json!({ "model": "classifier", "version": version, "data_set": "0".repeat(64), "passed": true });
    let evaluated = json!({
        "specversion": "1.0", "id": "7", "source": "/pappus/evaluate", "type": "io.pappus.model.evaluated",
        "data": verdict,
    });
    let (how, event) = promote.invoke(&evaluated)?;
    assert_eq!((how.as_str(), &event["type"]), ("response", &json!("io.pappus.release.changed")), "{event}");
    assert_eq!((&event["data"]["champion"], &event["data"]["generation"]), (&version, &json!(1)), "{event}");
    promote.stop()?;
    assert_eq!(home.json(&["status"])?["release"]["champion"], version);
    Ok(())
}

#[test]
#[ignore = "scripts/test-packages makes what it needs, and runs it"]
fn predict_answers_out_of_its_zip_with_the_library_that_is_inside() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let mut predict = unzipped("predict", &home)?;
    let (status, body) = predict.ask("POST", "/predict", "image/jpeg", &std::fs::read(&home.pictures()?[0])?)?;
    let answer: Value = serde_json::from_slice(&body)?;
    assert_eq!((status, &answer["model_version"]), (200, &json!(home.second)), "{answer}");
    let logged = home.json(&["why", answer["request_id"].as_str().context("an id")?])?;
    assert_eq!(logged["prediction"]["class"], answer["predicted_class"]);
    predict.stop().map(drop)
}
