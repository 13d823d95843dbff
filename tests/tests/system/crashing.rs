//! `kill -9` at any moment: the same command again finishes the work, and nothing is there twice or by half.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Home, Trained, eventually, pictures, runtime};
use serde_json::Value;

#[test]
fn an_ingest_that_is_killed_is_finished_by_the_next() -> Result<()> {
    const IMAGES: u32 = 300;
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", IMAGES)?;
    for stored in [1, 40, 100] {
        let ingest = home.start(&["ingest", "photos"])?;
        eventually("more images are stored", || Ok((home.objects("images")?.len() >= stored).then_some(())))?;
        ensure!(ingest.kill()?, "the ingest was over before it was killed");
    }
    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((taken["seen"].as_u64(), taken["quarantined"].as_u64()), (Some(300), Some(0)), "{taken}");
    let images = home.json(&["images", "--limit", "1000"])?;
    let images = images.as_array().context("a list")?;
    let origins: HashSet<&str> = images.iter().filter_map(|image| image["origin"].as_str()).collect();
    assert_eq!((images.len(), origins.len()), (IMAGES as usize, IMAGES as usize));
    assert_eq!(home.check_objects()?.0, IMAGES as usize);
    Ok(())
}

/// When a training is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// At this part of the time that a whole training takes.
    After(f64),
    /// As soon as anything of its package is written.
    Packing,
}

#[test]
fn a_training_that_is_killed_is_finished_by_the_next() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    pictures::sample(&home, "photos", 2, 20)?;
    home.json(&["ingest", "photos"])?;
    let undisturbed = Home::copy_of(home.work())?;
    let begun = Instant::now();
    let version = undisturbed.json(&["train", "--recipe", "scratch"])?["version"].clone();
    let took = begun.elapsed();
    let moments = [0.05, 0.2, 0.4, 0.6, 0.8].map(Moment::After).into_iter().chain([Moment::Packing, Moment::Packing]);
    // At once, since each waits for the lease of the dead to run out.
    std::thread::scope(|scope| {
        let trials: Vec<_> = moments
            .map(|moment| {
                let (home, version) = (&home, &version);
                scope.spawn(move || {
                    killed_training(home, moment, took, version).with_context(|| format!("killed at {moment:?}"))
                })
            })
            .collect();
        trials.into_iter().try_for_each(|trial| trial.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn killed_training(home: &Home, moment: Moment, took: Duration, version: &Value) -> Result<()> {
    let home = Home::copy_of(home.work())?;
    let mut training = home.start(&["train", "--recipe", "scratch"])?;
    let run = eventually("the training is under way", || {
        let runs = home.json(&["runs"])?;
        let run = &runs[0];
        Ok(run["run"].as_str().filter(|_| run["status"] != "requested").map(str::to_owned))
    })?;
    match moment {
        Moment::After(part) => std::thread::sleep(took.mul_f64(part)),
        Moment::Packing => eventually("the package is begun", || {
            Ok((!home.objects("models")?.is_empty() || !training.is_alive()?).then_some(()))
        })?,
    }
    let was_at_work = training.kill()?;
    home.check_objects()?;

    let manifest = home.json(&["train", "--recipe", "scratch"])?;
    assert_eq!(manifest["version"], *version);
    let runs = home.json(&["runs"])?;
    let dead = runs.as_array().into_iter().flatten().find(|other| other["run"] == run.as_str()).context("the run")?;
    // It may have written down its end in the moment before it was killed.
    if was_at_work && dead["status"] != "succeeded" {
        assert_eq!(dead["status"], "failed", "{dead}");
        assert!(dead["message"].as_str().is_some_and(|message| message.starts_with("it was cut off")), "{dead}");
    }
    let (images, versions) = home.check_objects()?;
    assert_eq!((images, versions.len()), (40, 1));
    assert_eq!(home.json(&["status"])?["training"], Value::Null);
    let version = manifest["version"].as_str().context("a version")?;
    home.json(&["predict", "--version", version, "photos/grass/00000.jpg"]).map(drop)
}

#[test]
fn a_release_that_is_killed_has_happened_once_or_not_at_all() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let generation = |status: &Value| status["release"]["generation"].as_u64().context("a generation");
    let mut expected = generation(&home.json(&["status"])?)?;
    let begun = Instant::now();
    home.json(&["promote", "--force", &home.first])?;
    let took = begun.elapsed();
    expected += 1;
    for part in 0..10 {
        let version = if part % 2 == 0 { &home.second } else { &home.first };
        let promoting = home.start(&["promote", "--force", version])?;
        std::thread::sleep(took.mul_f64(f64::from(part) / 10.0));
        promoting.kill()?;
        let changed = home.json(&["promote", "--force", version])?;
        expected += 1;
        assert_eq!(changed["release"]["champion"], version.as_str());
        let status = home.json(&["status"])?;
        assert_eq!((generation(&status)?, status["ledger_entries"].as_u64()), (expected, Some(expected)));
    }
    Ok(())
}
