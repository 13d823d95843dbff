//! A model package that is not what it was.

use anyhow::{Context as _, Result};
use pappus_domain::Digest;
use pappus_tests::{Trained, Up};
use serde_json::Value;

#[test]
fn a_damaged_network_is_named_and_never_served() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let network = home.path().join("objects/models/classifier").join(&home.second).join("model.onnx");
    let whole = std::fs::read(&network)?;
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&network, &damaged)?;

    let picture = &home.pictures()?[0];
    let refusal = home.refusal(1, &["predict", &picture.display().to_string()])?;
    let (expected, found) = (Digest::of(&whole).to_string(), Digest::of(&damaged).to_string());
    for part in [home.second.as_str(), "model.onnx", &expected, &found, "restore it or train again"] {
        assert!(refusal.contains(part), "{refusal}");
    }

    let up = Up::start(&home)?;
    let image = std::fs::read(picture)?;
    let answer = up.post("/predict", "image/jpeg", &image)?.expect(503)?;
    assert!(answer.text("detail").contains(&home.second) && answer.text("detail").contains(&found), "{answer:?}");
    let health = up.get("/health")?.expect(503)?;
    assert_eq!((health.text("status"), &health.body["model_loaded"]), ("unhealthy", &Value::Bool(false)));
    assert!(health.text("detail").contains("model.onnx"), "{health:?}");
    up.get("/health/live")?.expect(200)?;
    up.get("/health/ready")?.expect(503)?;

    std::fs::write(&network, &whole)?;
    let reloaded = up.post("/model/reload", "", b"")?.expect(200)?;
    assert_eq!(reloaded.text("model_version"), home.second);
    up.post("/predict", "image/jpeg", &image)?.expect(200)?;
    assert_eq!(up.get("/health")?.expect(200)?.text("status"), "healthy");
    up.stop().map(drop)
}

#[test]
fn a_champion_that_cannot_be_loaded_leaves_the_one_before_answering() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    home.json(&["rollback"])?;
    let up = Up::start(&home)?;
    std::fs::remove_file(home.path().join("objects/models/classifier").join(&home.second).join("golden.json"))?;
    home.json(&["promote", "--force", &home.second])?;
    let refused = up.post("/model/reload", "", b"")?.expect(503)?;
    assert!(refused.text("detail").contains("golden.json"), "{refused:?}");
    let answer = up.post("/predict", "image/jpeg", &std::fs::read(&home.pictures()?[0])?)?.expect(200)?;
    assert_eq!(answer.text("model_version"), home.first);
    let health = up.get("/health")?.expect(200)?;
    assert_eq!(health.text("status"), "degraded");
    assert!(health.text("detail").contains(&home.second), "{health:?}");
    up.stop().map(drop)
}

#[test]
fn a_manifest_with_another_digest_is_refused() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let path = home.path().join("objects/models/classifier").join(&home.second).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let other = Digest::of(b"another network").to_string();
    manifest["files"]["model.onnx"] = other.clone().into();
    std::fs::write(&path, manifest.to_string())?;
    let picture = home.pictures()?[0].display().to_string();
    let refusal = home.refusal(1, &["predict", &picture])?;
    assert!(refusal.contains("model.onnx") && refusal.contains(&other), "{refusal}");

    // As if both had been exchanged: the digests fit, and the version does not.
    let network = path.with_file_name("model.onnx");
    let first = path.parent().and_then(|parent| parent.parent()).context("a folder")?.join(&home.first);
    std::fs::copy(first.join("model.onnx"), &network)?;
    manifest["files"]["model.onnx"] = Digest::of(&std::fs::read(&network)?).to_string().into();
    std::fs::write(&path, manifest.to_string())?;
    let refusal = home.refusal(1, &["predict", &picture])?;
    assert!(refusal.contains(&format!("the manifest of classifier/{}", home.second)), "{refusal}");

    std::fs::write(&path, "{")?;
    let refusal = home.refusal(1, &["predict", &picture])?;
    assert!(refusal.contains("manifest.json of the model package cannot be read"), "{refusal}");
    Ok(())
}

#[test]
fn images_that_were_damaged_or_lost_are_mended_as_the_training_advises() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let stored = home.objects("images")?;
    let picture = std::fs::read(&stored[1])?;
    std::fs::remove_file(&stored[0])?;
    std::fs::write(&stored[1], &picture[..picture.len() / 2])?;
    std::fs::write(&stored[2], vec![0; std::fs::read(&stored[2])?.len()])?;
    let train = ["train", "--recipe", "scratch"];
    let refusal = home.refusal(1, &train)?;
    assert!(refusal.contains("ingest it again"), "{refusal}");
    std::fs::remove_file(&stored[2])?;
    assert_eq!(home.json(&["ingest", "pictures"])?["duplicates"], 60);
    assert_eq!(home.check_objects()?.0, 60);
    home.json(&train).map(drop)
}

#[test]
fn a_catalog_that_is_no_database_is_named() -> Result<()> {
    let home = pappus_tests::Home::new()?;
    std::fs::create_dir_all(home.path())?;
    std::fs::write(home.path().join("catalog.db"), "this is no database, and it is longer than a header of one is")?;
    let ended = home.run(&["status"])?;
    assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
    assert!(ended.stderr.contains("restore it from a backup, or name another file"), "{}", ended.stderr);
    Ok(())
}
