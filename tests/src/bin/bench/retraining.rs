//! From the decision to train to the model, by the size of the data set.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::program::{Program, Up};

/// Nothing but a wish begins a training.
const POLICY: &str = "[retraining]\nnew_images = 1000000000\n";
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn measure(program: &Program, sizes: &[usize]) -> Result<()> {
    println!("| images | asked to running | running to done | cross-validated |\n|---|---|---|---|");
    for &size in sizes {
        let home = tempfile::tempdir()?;
        draw(program, home.path(), size)?;
        let policy = home.path().join("policy.toml");
        std::fs::write(&policy, POLICY)?;
        let up = program.up_with(&home.path().join("home"), &[("PAPPUS_POLICY", &policy.to_string_lossy())])?;
        let (started, trained, accuracy) = train(&up)?;
        println!(
            "| {size} | {:.0} ms | {:.1} s | {:.1} % |",
            1000.0 * started.as_secs_f64(),
            trained.as_secs_f64(),
            100.0 * accuracy
        );
    }
    Ok(())
}

/// Takes so many drawn pictures of two classes into a home.
fn draw(program: &Program, folder: &Path, size: usize) -> Result<()> {
    ensure!(size.is_multiple_of(2), "--sizes are to be even: half of the pictures are of each class");
    let (home, pictures) = (folder.join("home"), folder.join("pictures"));
    let (pictures, each) = (pictures.to_string_lossy(), (size / 2).to_string());
    program.run(&home, &["sample", &pictures, "--classes", "2", "--count", &each])?;
    program.run(&home, &["ingest", &pictures])?;
    Ok(())
}

/// Asks for a training: how long until it is under way, how long it takes then, and its accuracy.
fn train(up: &Up) -> Result<(Duration, Duration, f64)> {
    let url = |path: &str| format!("http://{}{path}", up.address);
    let asked = Instant::now();
    let wish = json!({ "cause": "operator", "reason": "a benchmark" });
    let asking = ureq::post(url("/decisions")).header("content-type", "application/json");
    let decided = read(asking.send(wish.to_string())?)?;
    let run = decided["decision"]["run"].as_str().context("no training was begun")?;
    let mut started = None;
    loop {
        let run = read(ureq::get(url(&format!("/runs/{run}"))).call()?)?;
        match run["status"].as_str() {
            Some("running") => _ = started.get_or_insert_with(Instant::now),
            Some("succeeded") => {
                let started = started.context("it was over before it was seen to begin")?;
                let accuracy = run["metrics"]["cross_validated_accuracy"].as_f64().context("no accuracy")?;
                return Ok((started - asked, started.elapsed(), accuracy));
            }
            Some("failed") => bail!("the training failed: {}", run["message"]),
            _ => {}
        }
        std::thread::sleep(LOOK);
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}
