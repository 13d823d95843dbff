//! A server that dies in the middle of the work and is brought up again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use pappus_tests::{Home, Running, Service, Trained, eventually, pictures, runtime};
use serde_json::Value;

use crate::standing::{champion, images, one_line, releases};

/// Ends the server as a crash would, at a moment at which `running` is where it is. What that then says.
fn crash_under(running: Running, server: &Service) -> Result<String> {
    running.freeze()?;
    server.kill()?;
    running.signal("CONT")?;
    one_line(running.wait()?)
}

/// In the middle of an ingest, and of a training in another home where there is ONNX Runtime. Each time it is said where
/// it failed, in one of these ways.
pub fn ingest_and_training(home: &Home, another: &Home, server: &mut Service, ways: &[&str]) -> Result<()> {
    each_names(&ingest(home, server)?, ways)?;
    if runtime()?.is_none() {
        return Ok(());
    }
    each_names(&[training(another, server)?], ways)
}

/// In the middle of an ingest, twice: the third finishes what the others began. What they said.
fn ingest(home: &Home, server: &mut Service) -> Result<Vec<String>> {
    const IMAGES: u32 = 400;
    pictures::noise(home, "photos", "moss", IMAGES)?;
    let mut said = Vec::new();
    for taken in [1, 150] {
        let ingest = home.start(&["ingest", "photos"])?;
        eventually("more images are taken in", || Ok((images(home)? >= taken).then_some(())))?;
        said.push(crash_under(ingest, server)?);
        server.start_with(&[])?;
    }
    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((&taken["seen"], &taken["quarantined"]), (&IMAGES.into(), &0.into()), "{taken}");
    let listed = home.json(&["images", "--limit", "1000"])?;
    let listed = listed.as_array().context("a list")?;
    let origins: HashSet<&str> = listed.iter().filter_map(|image| image["origin"].as_str()).collect();
    assert_eq!((listed.len(), origins.len()), (IMAGES as usize, IMAGES as usize));
    let again = home.run(&["ingest", "photos", "--json"])?.expect(0)?;
    assert_eq!(again.json()?["duplicates"], IMAGES, "{}", again.stdout);
    assert_eq!(again.stderr, "", "the bytes of each are there");
    Ok(said)
}

/// In the middle of a training: the next makes the one version. What the first said.
fn training(home: &Home, server: &mut Service) -> Result<String> {
    pictures::sample(home, "drawn", 2, 20)?;
    home.json(&["ingest", "drawn"])?;
    let training = home.start(&["train", "--recipe", "scratch"])?;
    let run = eventually("the training is under way", || {
        let runs = home.json(&["runs"])?;
        Ok(runs[0]["run"].as_str().filter(|_| runs[0]["status"] == "running").map(str::to_owned))
    })?;
    let said = crash_under(training, server)?;
    server.start_with(&[])?;
    let version = home.json(&["train", "--recipe", "scratch"])?["version"].clone();
    let models = home.json(&["models"])?;
    assert_eq!((models.as_array().map(Vec::len), &models[0]["manifest"]["version"]), (Some(1), &version), "{models}");
    let runs = home.json(&["runs"])?;
    let dead = runs.as_array().into_iter().flatten().find(|other| other["run"] == *run).context("the run")?;
    assert_eq!((&dead["status"], runs.as_array().map(Vec::len)), (&"failed".into(), Some(2)), "{runs}");
    assert_eq!(home.json(&["status"])?["training"], Value::Null, "nothing is held any more");
    let version = version.as_str().context("a version")?;
    home.json(&["predict", "--version", version, "drawn/grass/00000.jpg"])?;
    Ok(said)
}

/// In the middle of releases, again and again: each has happened once or not at all. What those said that failed.
pub fn releasing(home: &Home, trained: &Trained, server: &mut Service) -> Result<Vec<String>> {
    home.take_over(trained)?;
    let mut said = Vec::new();
    for _ in 0..3 {
        let before = releases(home)?;
        let done = AtomicU64::new(0);
        let (version, line) = std::thread::scope(|scope| {
            let promoting = scope.spawn(|| until_it_fails(home, trained, &done));
            eventually("some are made", || {
                Ok((done.load(Ordering::Relaxed) > 0 || promoting.is_finished()).then_some(()))
            })?;
            server.kill()?;
            promoting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        said.push(line);
        server.start_with(&[])?;
        // It had been done, or is done now.
        home.json(&["promote", "--force", &version])?;
        assert_eq!((releases(home)?, champion(home)?), (before + done.into_inner() + 1, version));
    }
    Ok(said)
}

/// Releases one version after the other. The one that could not be, and why.
fn until_it_fails(home: &Home, trained: &Trained, done: &AtomicU64) -> Result<(String, String)> {
    let mut now = champion(home)?;
    // Far more than there are before the crash.
    for _ in 0..1000 {
        let next = if now == trained.first { &trained.second } else { &trained.first };
        let promoting = home.run(&["promote", "--force", next])?;
        if promoting.code != Some(0) {
            return Ok((next.clone(), one_line(promoting)?));
        }
        done.fetch_add(1, Ordering::Relaxed);
        now.clone_from(next);
    }
    bail!("all of them went through")
}

/// Finds that each line says where it failed, in one of these ways.
pub fn each_names(said: &[String], ways: &[&str]) -> Result<()> {
    for line in said {
        ensure!(ways.iter().any(|way| line.contains(way)), "what is wrong is not said: {line}");
    }
    Ok(())
}
