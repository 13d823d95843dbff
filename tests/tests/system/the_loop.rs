//! The whole loop by hand, each command with `--json`.

use anyhow::Result;
use pappus_tests::{Home, Trained, pictures, runtime};
use serde_json::{Value, json};

#[test]
fn every_command_of_the_loop_says_what_it_did() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    let drawn = home.json(&["sample", "photos", "--classes", "2", "--count", "24"])?;
    assert_eq!((&drawn["images"], &drawn["classes"]), (&json!(48), &json!(2)));

    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((&taken["seen"], &taken["stored"], &taken["duplicates"]), (&json!(48), &json!(48), &json!(0)));
    let again = home.json(&["ingest", "photos"])?;
    assert_eq!((&again["seen"], &again["stored"], &again["duplicates"]), (&json!(48), &json!(0), &json!(48)));

    let train = ["train", "--recipe", "scratch", "--seed", "7"];
    let manifest = home.json(&train)?;
    let version = manifest["version"].as_str().unwrap_or_default();
    assert_eq!(version.len(), 12, "{manifest}");
    assert_eq!(manifest["classes"], json!(["dandelion", "grass"]));
    assert_eq!(manifest["training"]["recipe"], "scratch");
    assert_eq!(home.json(&train)?["version"], version, "the same images, recipe and seed");
    assert_eq!(home.check_objects()?, (48, vec![version.to_owned()]));

    no_release_yet(&home, version)?;
    released(&home, version)
}

fn no_release_yet(home: &Home, version: &str) -> Result<()> {
    let refusal = home.refusal(1, &["predict", "photos/grass/00000.jpg"])?;
    assert!(refusal.contains("nothing is released yet"), "{refusal}");
    let refusal = home.refusal(1, &["promote", version])?;
    assert!(refusal.contains("has not been evaluated") && refusal.contains("pappus evaluate"), "{refusal}");

    // So few images cannot pass: the verdict says which gate, and is not overlooked.
    let judged = home.run(&["evaluate", &version[..5], "--json"])?.expect(1)?;
    let evaluation = judged.json()?;
    assert_eq!(evaluation["version"], version);
    assert_eq!(evaluation["verdict"]["passed"], false);
    let failed = |gate: &&Value| gate["name"] == "enough-test-images" && gate["passed"] == false;
    assert!(evaluation["verdict"]["gates"].as_array().is_some_and(|gates| gates.iter().any(|gate| failed(&gate))));
    let refusal = home.refusal(1, &["promote", version])?;
    assert!(refusal.contains("enough-test-images") && refusal.contains("--force"), "{refusal}");
    Ok(())
}

fn released(home: &Home, version: &str) -> Result<()> {
    let changed = home.json(&["promote", "--force", "--reason", "trying it", version])?;
    assert_eq!((&changed["changed"], &changed["release"]["generation"]), (&json!(true), &json!(1)));
    assert_eq!(changed["ledger_entry"]["reason"], "trying it");
    assert_eq!(home.json(&["promote", "--force", version])?["changed"], false);

    let answers = home.json(&["predict", "photos/grass/00000.jpg", "photos/dandelion/00000.jpg"])?;
    for answer in answers.as_array().into_iter().flatten() {
        let probabilities = answer["probabilities"].as_object().into_iter().flatten();
        let sum: f64 = probabilities.filter_map(|(_, probability)| probability.as_f64()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{answer}");
        assert_eq!(answer["version"], version);
    }
    assert_eq!(answers[1]["file"], "photos/dandelion/00000.jpg");
    assert_eq!(answers[1]["image"].as_str().map(str::len), Some(64), "the digest: {}", answers[1]);
    let id = answers[1]["id"].as_str().unwrap_or_default();
    let told = home.json(&["why", id])?;
    assert_eq!(told["prediction"]["id"], id);
    assert_eq!(told["model"]["version"], version);
    assert!(told["training_images"].as_u64() > Some(0) && told["examples"].as_array().is_some(), "{told}");
    assert!(told["image_in_data_set"]["split"].is_string(), "{told}");

    let status = home.json(&["status"])?;
    assert_eq!(status["images"], json!({ "stored": 48, "quarantined": 0, "labels": { "dandelion": 24, "grass": 24 } }));
    assert_eq!((&status["release"]["champion"], &status["ledger_entries"]), (&json!(version), &json!(1)));
    assert_eq!((&status["last_run"]["status"], &status["training"]), (&json!("succeeded"), &Value::Null));
    assert_eq!((&status["predictions_last_day"], &status["last_predictions"][0]["id"]), (&json!(2), &answers[1]["id"]));
    let told = home.run(&["status"])?.expect(0)?.stdout;
    assert!(told.contains("2 in the last 24 hours; the last:") && told.contains(&format!("pappus why {id}")), "{told}");
    let models = home.json(&["models"])?;
    assert_eq!((&models[0]["role"], &models[0]["verdict"]), (&json!("champion"), &json!("failed")));
    assert_eq!(home.json(&["runs"])?.as_array().map(Vec::len), Some(2));

    let refusal = home.refusal(1, &["rollback"])?;
    assert!(refusal.contains("no earlier champion"), "{refusal}");
    Ok(())
}

#[test]
fn an_output_that_nobody_reads_hides_no_failure() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    std::fs::write(home.work().join("animated.gif"), pictures::animated_gif())?;
    // So few images cannot pass.
    for (arguments, code) in [
        (&["evaluate", home.second.as_str()][..], 1),
        (&["evaluate", home.second.as_str(), "--json"], 1),
        (&["predict", "animated.gif"], 1),
        (&["status"], 0),
    ] {
        for is_deaf in [false, true] {
            let (reader, writer) = std::io::pipe()?;
            drop(reader);
            let mut command = home.command(arguments)?;
            if is_deaf {
                command.stderr(writer.try_clone()?);
            }
            let output = command.stdout(writer).output()?;
            assert_eq!(output.status.code(), Some(code), "{arguments:?}, {output:?}");
        }
    }
    Ok(())
}

#[test]
fn a_rollback_brings_back_the_champion_before() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let picture = home.pictures()?[0].display().to_string();
    assert_eq!(home.json(&["predict", &picture])?[0]["version"], home.second.as_str());
    let changed = home.json(&["rollback", "--reason", "it was worse"])?;
    assert_eq!(changed["release"]["champion"], home.first.as_str());
    assert_eq!(changed["ledger_entry"]["action"], "rollback");
    assert_eq!(home.json(&["predict", &picture])?[0]["version"], home.first.as_str());
    let asked = home.json(&["predict", "--version", &home.second[..6], &picture])?;
    assert_eq!(asked[0]["version"], home.second.as_str());
    assert_eq!(home.json(&["status"])?["ledger_entries"], 3);
    Ok(())
}

#[test]
fn a_model_without_versions_says_which_others_there_are() -> Result<()> {
    let home = Home::new()?;
    let told = home.run(&["models"])?.expect(0)?.stdout;
    assert!(told.contains("no version of `classifier` yet: `pappus train` makes one"), "{told}");
    let Some(trained) = pappus_tests::Trained::copy()? else { return Ok(()) };
    let home = Home::copy_of(trained.work())?.with("PAPPUS_MODEL", "ferns");
    let told = home.run(&["models"])?.expect(0)?.stdout;
    assert!(told.contains("no version of `ferns`, but of classifier: PAPPUS_MODEL says which"), "{told}");
    assert_eq!(home.json(&["models"])?, json!([]));
    Ok(())
}

#[test]
fn an_image_that_is_refused_does_not_keep_the_others_from_an_answer() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let picture = home.pictures()?[0].display().to_string();
    std::fs::write(home.work().join("animated.gif"), pictures::animated_gif())?;
    let ended = home.run(&["predict", "animated.gif", &picture, "absent.jpg", "--json"])?.expect(1)?;
    let answers = ended.json()?;
    assert!(answers[0]["error"].as_str().is_some_and(|error| error.contains("GIF is not read")), "{answers}");
    assert!(answers[1]["class"].is_string() && answers[2]["error"].is_string(), "{answers}");
    assert!(ended.stderr.contains("2 of 3 images have no answer"), "{}", ended.stderr);
    Ok(())
}

#[test]
fn unknown_names_are_wrong_usage() -> Result<()> {
    let home = Home::new()?;
    let refusal = home.refusal(2, &["promote", "abc"])?;
    assert!(refusal.contains("no version begins with `abc`"), "{refusal}");
    let refusal = home.refusal(1, &["why", "0199aaaa-0000-7000-8000-000000000000"])?;
    assert!(refusal.contains("there is no prediction"), "{refusal}");
    let refusal = home.refusal(1, &["rollback"])?;
    assert!(refusal.contains("nothing has been released yet"), "{refusal}");
    Ok(())
}
