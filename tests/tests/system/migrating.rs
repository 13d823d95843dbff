//! A whole home copied to another.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use pappus_tests::{Home, Trained, pictures};
use serde_json::{Value, json};

/// How many objects a move says that it saw, and copied.
fn seen_and_copied(report: &Value) -> (Option<u64>, Option<u64>) {
    let [seen, copied] = ["seen", "copied"].map(|name| report["objects"][name].as_u64());
    (seen, copied)
}

/// Where an object of the home is in another home beside it.
fn in_other(home: &Home, object: &Path) -> Result<PathBuf> {
    Ok(home.work().join("other").join(object.strip_prefix(home.path())?))
}

/// Finds that a home beside this one, which it moves away, has so many images in its catalog and in its store.
fn check_images(home: &Home, folder: &str, count: usize) -> Result<()> {
    let moved = Home::new()?;
    fs::rename(home.work().join(folder), moved.path())?;
    assert_eq!(moved.json(&["status"])?["images"]["stored"], count, "{folder}");
    assert_eq!(moved.check_objects()?.0, count, "{folder}");
    Ok(())
}

#[test]
fn a_home_is_copied_whole_and_once() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let report = home.json(&["migrate", "home", "other"])?;
    let count = |kind: &str| {
        let records = report["records"].as_array().into_iter().flatten();
        records.filter(|moved| moved["kind"] == kind).find_map(|moved| moved["count"].as_u64())
    };
    assert_eq!((count("images"), count("models"), count("ledger")), (Some(60), Some(2), Some(2)), "{report}");
    let objects = home.objects("")?.len();
    assert_eq!((&report["objects"]["seen"], &report["objects"]["copied"]), (&json!(objects), &json!(objects)));
    for question in [&["status"][..], &["models"], &["images", "--limit", "100"], &["runs"]] {
        let ask = |home_folder| {
            let mut answer = home.json(&[&["--home", home_folder], question].concat())?;
            for place in ["objects", "catalog"] {
                answer.as_object_mut().and_then(|answer| answer.remove(place));
            }
            anyhow::Ok(answer)
        };
        assert_eq!(ask("home")?, ask("other")?, "{question:?}");
    }
    let again = home.json(&["migrate", "home", "other"])?;
    assert_eq!(again["objects"]["copied"], 0, "there is nothing to do: {again}");
    assert_eq!(again["records"], report["records"]);
    // The copy works on its own.
    let picture = home.pictures()?[0].display().to_string();
    home.json(&["--home", "other", "predict", &picture])?;
    Ok(())
}

#[test]
fn what_was_cut_off_goes_on_and_what_is_anothers_is_left() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let moving = home.start(&["migrate", "home", "other"])?;
    moving.signal("KILL")?;
    moving.wait()?;
    home.json(&["migrate", "home", "other"])?;

    let image = home.objects("images")?.first().context("an image")?.clone();
    let there = in_other(&home, &image)?;
    fs::write(&there, b"another image")?;
    let refusal = home.refusal(1, &["migrate", "home", "other"])?;
    assert!(refusal.contains("another object `images/"), "{refusal}");
    assert_eq!(fs::read(&there)?, b"another image", "it is left as it is");

    home.json(&["--home", "elsewhere", "ingest", "pictures/grass", "--label", "moss"])?;
    let refusal = home.refusal(1, &["migrate", "home", "elsewhere"])?;
    assert!(refusal.contains("the catalog has another image"), "{refusal}");
    Ok(())
}

#[test]
fn what_has_come_and_what_was_lost_since_is_in_the_next_move() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "pictures", "moss", 8)?;
    home.json(&["ingest", "pictures"])?;
    let lost = in_other(&home, home.objects("images")?.first().context("an image")?)?;
    assert_eq!(seen_and_copied(&home.json(&["migrate", "home", "other"])?), (Some(8), Some(8)));

    pictures::noise(&home, "more", "fern", 1)?;
    home.json(&["ingest", "more"])?;
    fs::remove_file(&lost)?;
    let again = home.json(&["migrate", "home", "other"])?;
    assert_eq!(seen_and_copied(&again), (Some(9), Some(2)), "{again}");

    let outbox = home.path().join("objects/tracking/outbox");
    fs::create_dir_all(&outbox)?;
    fs::write(outbox.join("waiting.json"), "{}")?;
    let elsewhere = home.json(&["migrate", "home", "elsewhere"])?;
    assert_eq!(seen_and_copied(&elsewhere), (Some(9), Some(9)), "{elsewhere}");
    assert_eq!(elsewhere["records"], again["records"]);
    assert!(!home.work().join("elsewhere/objects/tracking").exists(), "what waits for MLflow is told by one home");
    check_images(&home, "other", 9)?;
    check_images(&home, "elsewhere", 9)
}

#[test]
fn a_move_that_was_cut_off_is_finished_whatever_has_changed() -> Result<()> {
    let home = Home::new()?;
    // More than the 500 after which it is written down how far a move has come; it ends at the last of them.
    pictures::noise(&home, "pictures", "moss", 520)?;
    home.json(&["ingest", "pictures"])?;
    let images = home.objects("images")?;
    let first = in_other(&home, images.first().context("an image")?)?;
    let last = in_other(&home, images.last().context("an image")?)?;
    let cut_off = || -> Result<()> {
        fs::create_dir_all(last.parent().context("a folder")?)?;
        fs::write(&last, "another's")?;
        let refusal = home.refusal(1, &["migrate", "home", "other"])?;
        assert!(refusal.contains("another object `images/"), "{refusal}");
        fs::remove_file(&last)?;
        Ok(())
    };
    cut_off()?;
    assert_eq!(home.json(&["--home", "other", "status"])?["images"]["stored"], 520, "records are moved first");

    // Another catalog begins from the start, though it shares the store.
    let settings = "PAPPUS_OBJECTS=file://other/objects\nPAPPUS_CATALOG=sqlite://second.db\n";
    fs::write(home.work().join("second.env"), settings)?;
    let second = home.json(&["migrate", "home", "second.env"])?;
    assert_eq!(second["records"][0]["count"], 520, "{second}");

    fs::remove_file(&first)?;
    let finished = home.json(&["migrate", "home", "other"])?;
    assert_eq!(seen_and_copied(&finished), (Some(520), Some(1)), "what was done with is looked for: {finished}");
    assert!(first.is_file());

    cut_off()?;
    pictures::noise(&home, "more", "fern", 3)?;
    home.json(&["ingest", "more"])?;
    // Where new records stand before the place that was reached, this one says so, and the next begins from the start.
    let again = home.run(&["migrate", "home", "other"])?;
    assert!(again.code == Some(0) || again.stderr.contains("not the same in both"), "{}", again.stderr);
    assert_eq!(seen_and_copied(&home.json(&["migrate", "home", "other"])?).0, Some(523));
    check_images(&home, "other", 523)
}

#[test]
fn homes_that_are_none_are_named() -> Result<()> {
    let home = Home::new()?;
    home.json(&["status"])?;
    for (file, lines) in [
        ("empty.env", "# nothing\n"),
        ("bad.env", "PAPPUS_OBJECTS\n"),
        ("half.env", "PAPPUS_HOME=other\nAWS_ACCESS_KEY_ID=me\n"),
    ] {
        fs::write(home.work().join(file), lines)?;
    }
    for (from, to, said) in [
        ("nowhere", "other", "nowhere is no home: there is no catalog in it"),
        ("home", "home", "home and home are the same home"),
        ("home", "empty.env", "it sets neither PAPPUS_OBJECTS nor PAPPUS_HOME"),
        ("home", "bad.env", "line 1 is no `VARIABLE=value`"),
        ("home", "half.env", "it sets AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY"),
        ("home", "./home", "home and ./home are the same home"),
        ("home", "other", "home is empty: there is nothing to move"),
    ] {
        let refusal = home.refusal(2, &["migrate", from, to])?;
        assert!(refusal.contains(said), "{refusal}");
    }
    for folder in ["nowhere", "other"] {
        assert!(!home.work().join(folder).exists(), "a question makes no home");
    }
    Ok(())
}
