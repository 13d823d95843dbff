//! A whole home copied to another.

use anyhow::{Context as _, Result};
use pappus_tests::Trained;
use serde_json::json;

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
    let there = home.work().join("other").join(image.strip_prefix(home.path())?);
    std::fs::write(&there, b"another image")?;
    let refusal = home.refusal(1, &["migrate", "home", "other"])?;
    assert!(refusal.contains("another object `images/"), "{refusal}");
    assert_eq!(std::fs::read(&there)?, b"another image", "it is left as it is");

    home.json(&["--home", "elsewhere", "ingest", "pictures/grass", "--label", "moss"])?;
    let refusal = home.refusal(1, &["migrate", "home", "elsewhere"])?;
    assert!(refusal.contains("the catalog has another image"), "{refusal}");
    Ok(())
}

#[test]
fn homes_that_are_none_are_named() -> Result<()> {
    let home = pappus_tests::Home::new()?;
    home.json(&["status"])?;
    std::fs::write(home.work().join("empty.env"), "# nothing\n")?;
    std::fs::write(home.work().join("bad.env"), "PAPPUS_OBJECTS\n")?;
    for (from, to, said) in [
        ("nowhere", "other", "nowhere is no home: there is no catalog in it"),
        ("home", "home", "home and home are the same home"),
        ("home", "empty.env", "it sets neither PAPPUS_OBJECTS nor PAPPUS_HOME"),
        ("home", "bad.env", "line 1 is no `VARIABLE=value`"),
    ] {
        let refusal = home.refusal(2, &["migrate", from, to])?;
        assert!(refusal.contains(said), "{refusal}");
    }
    assert!(!home.work().join("nowhere").exists(), "a question makes no home");
    Ok(())
}
