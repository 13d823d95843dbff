//! Ctrl-C, and two of the same at once.

use anyhow::Result;
use pappus_tests::{Home, Running, eventually, pictures, runtime};
use serde_json::Value;

/// Waits until the last run is under way, and returns its id.
fn under_way(home: &Home, training: &mut Running) -> Result<String> {
    eventually("a training is under way", || {
        anyhow::ensure!(training.is_alive()?, "the training ended: {}", training.log());
        let runs = home.json(&["runs", "--limit", "1"])?;
        let running = runs[0]["status"] == "running";
        Ok(runs[0]["run"].as_str().filter(|_| running).map(str::to_owned))
    })
}

#[test]
fn a_second_training_is_refused_and_an_interrupted_one_frees_its_place() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    // Enough to learn from for longer than the second training watches the first.
    for class in ["fern", "grass", "maple", "moss"] {
        pictures::noise(&home, "photos", class, 60)?;
    }
    home.json(&["ingest", "photos"])?;
    let mut first = home.start(&["train", "--recipe", "scratch"])?;
    let run = under_way(&home, &mut first)?;
    let refusal = home.refusal(1, &["train", "--recipe", "scratch"])?;
    assert!(refusal.contains(&format!("another training is under way (run {run})")), "{refusal}");
    assert!(first.is_alive()?, "{}", first.log());

    first.signal("INT")?;
    let ended = first.wait()?.expect(1)?;
    assert!(ended.stderr.contains("run the same command again"), "{}", ended.stderr);
    let runs = home.json(&["runs"])?;
    let stopped = runs.as_array().into_iter().flatten().find(|other| other["run"] == run.as_str());
    assert_eq!(stopped.map(|run| &run["message"]), Some(&Value::from("stopped by the operator")));
    assert_eq!(home.json(&["status"])?["training"], Value::Null);

    let mut next = home.start(&["train", "--recipe", "scratch"])?;
    under_way(&home, &mut next)?;
    next.signal("TERM")?;
    next.wait()?.expect(1)?;
    assert_eq!(home.json(&["status"])?["training"], Value::Null);
    assert_eq!(home.json(&["runs"])?[0]["message"], "stopped by the operator");
    assert!(home.objects("models")?.is_empty());
    Ok(())
}

#[test]
fn an_interrupted_ingest_goes_on_where_it_was() -> Result<()> {
    const IMAGES: u32 = 300;
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", IMAGES)?;
    let mut ingest = home.start(&["ingest", "photos"])?;
    eventually("some images are stored", || {
        anyhow::ensure!(ingest.is_alive()?, "the ingest ended: {}", ingest.log());
        Ok((home.objects("images")?.len() >= 20).then_some(()))
    })?;
    ingest.signal("INT")?;
    let ended = ingest.wait()?.expect(1)?;
    assert!(ended.stderr.contains("run the same command again to go on"), "{}", ended.stderr);
    assert!(home.check_objects()?.0 < IMAGES as usize);

    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((taken["seen"].as_u64(), taken["quarantined"].as_u64()), (Some(300), Some(0)), "{taken}");
    assert_eq!(home.json(&["status"])?["images"]["stored"], IMAGES);
    assert_eq!(home.check_objects()?.0, IMAGES as usize);
    Ok(())
}

#[test]
fn two_ingests_at_once_store_every_image_once() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", 100)?;
    let both = [home.start(&["ingest", "photos", "--json"])?, home.start(&["ingest", "photos", "--json"])?];
    let mut stored = 0;
    for ingest in both {
        stored += ingest.wait()?.expect(0)?.json()?["stored"].as_u64().unwrap_or_default();
    }
    assert_eq!(stored, 100);
    assert_eq!(home.json(&["status"])?["images"]["stored"], 100);
    assert_eq!(home.check_objects()?.0, 100);
    Ok(())
}
