//! Plots: stored with what they are of, told of, and written into a folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use pappus_tests::{Home, Trained};
use serde_json::json;

/// The files of all plots of a version, as `pappus plots` orders them.
const FILES: [&str; 12] = [
    "training.svg",
    "training.png",
    "confusion.svg",
    "confusion.png",
    "classes.svg",
    "classes.png",
    "reliability.svg",
    "reliability.png",
    "roc.svg",
    "roc.png",
    "mistakes.svg",
    "mistakes.png",
];

/// The file of an object.
fn object(home: &Home, key: &str) -> PathBuf {
    home.path().join("objects").join(key)
}

#[test]
fn plots_of_a_version_are_written_into_a_folder() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let told = home.json(&["plots", &home.first[..6], "--out", "some/where"])?;
    assert_eq!(told["version"], home.first.as_str());
    assert_eq!(told["missing"], json!([]));
    let plots = told["plots"].as_array().context("the plots")?;
    for (plot, file) in plots.iter().zip(FILES) {
        assert_eq!(plot["file"], format!("some/where/{file}"));
        let written = fs::read(home.work().join("some/where").join(file))?;
        let stored = fs::read(object(&home, plot["key"].as_str().unwrap_or_default()))?;
        assert!(written == stored && written.len() > 300, "{file}: {} bytes", written.len());
        assert!(written.starts_with(if file.ends_with("svg") { b"<svg" } else { b"\x89PNG" }), "{file}");
    }
    assert_eq!(plots.len(), FILES.len());

    let told = home.run(&["plots", &home.first])?.expect(0)?.stdout;
    let folder = format!("plots-{}", home.first);
    assert!(told.contains(&format!("{folder}/roc.svg")) && told.contains("how well each class"), "{told}");
    assert_eq!(fs::read_dir(home.work().join(folder))?.count(), FILES.len());

    fs::write(home.work().join("file"), "in the way")?;
    let refusal = home.refusal(1, &["plots", &home.first, "--out", "file"])?;
    assert!(refusal.contains("file cannot be written"), "{refusal}");
    Ok(())
}

#[test]
fn commands_tell_where_plots_are_and_which_are_missing() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let models = home.json(&["models"])?;
    for model in models.as_array().context("the models")? {
        for (of, file) in [("training", "training.png"), ("evaluation", "roc.svg")] {
            let folder = model["plots"][of].as_str().unwrap_or_default();
            assert!(object(&home, folder).join(file).is_file(), "{model}");
        }
    }
    let picture = home.pictures()?[0].display().to_string();
    let id = home.json(&["predict", &picture])?[0]["id"].as_str().context("an id")?.to_owned();
    assert_eq!(home.json(&["why", &id])?["plots"], models[0]["plots"]);
    let told = home.run(&["why", &id])?.expect(0)?.stdout;
    let evaluation = models[0]["plots"]["evaluation"].as_str().context("the evaluation's folder")?;
    assert!(told.contains(&object(&home, evaluation).display().to_string()), "{told}");

    for file in ["roc.svg", "roc.png"] {
        fs::remove_file(object(&home, evaluation).join(file))?;
    }
    let told = home.json(&["plots", &home.second])?;
    assert_eq!(told["missing"], json!(["roc.svg", "roc.png"]));
    let told = home.run(&["plots", &home.second])?.expect(0)?.stdout;
    assert!(told.contains("missing: roc.svg, roc.png;") && told.contains("evaluate"), "{told}");
    // Where a plot should be stored there is a folder of objects.
    let classes = object(&home, evaluation).join("classes.svg");
    fs::remove_file(&classes)?;
    fs::create_dir(&classes)?;
    fs::write(classes.join("other"), "in the way")?;
    let judged = home.run(&["evaluate", &home.second])?.expect(1)?;
    assert!(judged.stdout.contains(&format!("{evaluation}, but for classes.svg, classes.png")), "{}", judged.stdout);
    assert!(judged.stderr.contains("a plot is missing") && judged.stderr.contains("classes"), "{}", judged.stderr);
    assert!(object(&home, evaluation).join("roc.svg").is_file(), "those that can be are drawn anew");
    Ok(())
}

#[test]
fn a_version_that_is_not_evaluated_has_the_plot_of_its_training() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let manifest = home.json(&["train", "--recipe", "scratch", "--seed", "7"])?;
    let version = manifest["version"].as_str().context("a version")?;
    let told = home.run(&["plots", version, "--out", "out"])?.expect(0)?.stdout;
    assert!(told.contains("training.svg") && told.contains("not evaluated yet"), "{told}");
    let svg = fs::read_to_string(home.work().join("out/training.svg"))?;
    assert!(svg.contains("scratch, kept") && svg.contains(version), "{svg}");
    assert_eq!(fs::read_dir(home.work().join("out"))?.count(), 2);
    fs::remove_dir_all(object(&home, &format!("models/classifier/{version}/plots")))?;
    let refusal = home.refusal(1, &["plots", version])?;
    assert!(refusal.contains("has no plots: not evaluated yet"), "{refusal}");
    Ok(())
}
