//! The loop with nobody at its wheel. In a test binary of its own, one test at a time: what is released must have passed
//! its evaluation, and one of the gates is the latency on this machine.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Home, Up, eventually, pictures, runtime};
use serde_json::{Value, json};

static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn the_demonstration_ends_with_an_answer() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    pictures::sample(&home, "photos", 2, 60)?;
    let told = home.run(&["demo", "--once", "--data", "photos"])?.expect(0)?.stdout;
    for part in ["1. ingest", "120 stored", "2. train", "3. evaluate", "verdict: passed", "4. promote", "5. predict"] {
        assert!(told.contains(part), "{told}");
    }
    let status = home.json(&["status"])?;
    assert_eq!((&status["ledger_entries"], &status["predictions_last_day"]), (&json!(1), &json!(1)));
    assert_eq!(home.check_objects()?.0, 120);

    // What it advises works as it stands, in a shell that knows nothing of the program.
    let advice = told.lines().find_map(|line| line.strip_prefix("look around: ")).context("advice")?;
    let output =
        Command::new("/bin/sh").args(["-c", advice]).env("PATH", "/nowhere").current_dir(home.work()).output()?;
    ensure!(output.status.success(), "{advice}: {output:?}");
    assert!(String::from_utf8(output.stdout)?.contains("120 stored"), "{advice}");
    Ok(())
}

#[test]
fn objects_that_arrive_become_a_model_that_answers() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    // So many that whatever part of them the first training begins with, it or the one after it has enough to test with.
    let drawn = pictures::sample(&home, "photos", 2, 80)?;
    let up = Up::start(&home)?;
    // As they would come: of one class and of another.
    let (dandelions, grasses) = (pictures::files(&drawn.join("dandelion"))?, pictures::files(&drawn.join("grass"))?);
    for path in dandelions.iter().zip(&grasses).flat_map(|(dandelion, grass)| [dandelion, grass]) {
        let name = path.strip_prefix(&drawn)?.display().to_string();
        let incoming = home.path().join("objects/incoming").join(&name);
        std::fs::create_dir_all(incoming.parent().context("a folder")?)?;
        std::fs::copy(path, &incoming)?;
        up.event("io.pappus.object.created", &name, &json!({ "key": format!("incoming/{name}") }))?;
    }
    eventually("a model answers", || {
        let health = up.get("/health")?;
        let mut log = String::new();
        write!(log, "{health:?}\n{}", up.log())?;
        ensure!(!log.contains("given up"), "{log}");
        Ok((health.status == 200).then_some(()))
    })
    .with_context(|| up.log())?;
    let answer = up.post("/predict", "image/jpeg", &std::fs::read(&dandelions[0])?)?.expect(200)?;
    assert_eq!(answer.text("predicted_class"), "dandelion");
    up.stop()?;

    let status = home.json(&["status"])?;
    assert_eq!(status["images"]["labels"], json!({ "dandelion": 80, "grass": 80 }));
    let models = home.json(&["models"])?;
    let champion = models.as_array().into_iter().flatten().find(|model| model["role"] == "champion");
    assert_eq!(champion.map(|model| &model["verdict"]), Some(&json!("passed")), "{models}");
    let runs = home.json(&["runs", "--limit", "200"])?;
    let in_vain = |run: &&Value| run["message"].as_str().is_some_and(|message| message.contains("another training"));
    let in_vain = runs.as_array().into_iter().flatten().filter(in_vain).count();
    assert_eq!(in_vain, 0, "one training at a time is asked for: {runs}");
    Ok(())
}
