//! Trainings that cannot be: each says why, and its run keeps the reason.

use anyhow::Result;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute, proto::DataType};
use pappus_tests::{Home, Trained, pictures, runtime};

/// Trains, and finds that the run says the same as the command.
fn refused(home: &Home, arguments: &[&str]) -> Result<String> {
    let refusal = home.refusal(1, &[&["train"], arguments].concat())?;
    let runs = home.json(&["runs", "--limit", "1"])?;
    assert_eq!((runs[0]["status"].as_str(), runs[0]["message"].as_str()), (Some("failed"), Some(refusal.as_str())));
    Ok(refusal)
}

#[test]
fn too_few_images_are_refused_with_what_is_missing() -> Result<()> {
    let home = Home::new()?;
    let refusal = refused(&home, &[])?;
    assert!(refusal.contains("there are no labelled images: ingest folders named by class"), "{refusal}");

    pictures::noise(&home, "unlabelled", "", 4)?;
    assert_eq!(home.json(&["ingest", "unlabelled"])?["unlabelled"], 4);
    assert_eq!(refused(&home, &[])?, refusal);

    pictures::noise(&home, "photos", "moss", 20)?;
    home.json(&["ingest", "photos"])?;
    let refusal = refused(&home, &[])?;
    assert!(refusal.contains("all 20 labelled images are of the one class `moss`"), "{refusal}");

    pictures::noise(&home, "photos", "fern", 3)?;
    home.json(&["ingest", "photos"])?;
    let refusal = refused(&home, &[])?;
    assert!(refusal.contains("class `fern` has 3 images") && refusal.contains("add more images of it"), "{refusal}");
    Ok(())
}

fn images_of_two_classes(home: &Home) -> Result<()> {
    pictures::noise(home, "photos", "moss", 20)?;
    pictures::noise(home, "photos", "fern", 20)?;
    home.json(&["ingest", "photos"]).map(drop)
}

#[test]
fn a_training_that_cannot_be_meant_is_wrong_usage() -> Result<()> {
    let home = Home::new()?;
    let refusal = home.refusal(2, &["train", "--recipe", "transfer"])?;
    assert!(refusal.contains("give an ONNX file with --backbone FILE"), "{refusal}");
    let refusal = home.refusal(2, &["train", "--backbone", "network.onnx", "--normalisation", "guess"])?;
    assert!(refusal.contains("`guess` is no normalisation: imagenet"), "{refusal}");
    assert!(!home.path().exists(), "wrong usage leaves nothing behind");
    Ok(())
}

/// A network that adds two lists of numbers, and has never seen an image.
fn adder() -> Vec<u8> {
    let mut graph = GraphBuilder::new("adder", 13);
    let list = [Dim::Name("n"), Dim::Size(8)];
    let (a, b) = (graph.input("a", DataType::Float, &list), graph.input("b", DataType::Float, &list));
    graph.node_named("Add", &[&a, &b], "sum", Vec::new());
    graph.output("sum", DataType::Float, &list);
    graph.finish().into_bytes()
}

/// A network from one list of numbers to another.
fn caster() -> Vec<u8> {
    let mut graph = GraphBuilder::new("caster", 13);
    let list = [Dim::Name("n"), Dim::Size(8)];
    let numbers = graph.input("numbers", DataType::Int64, &list);
    graph.node_named("Cast", &[&numbers], "floats", vec![attribute::int("to", DataType::Float as i64)]);
    graph.output("floats", DataType::Float, &list);
    graph.finish().into_bytes()
}

#[test]
fn a_backbone_that_is_none_is_refused() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    images_of_two_classes(&home)?;
    let refusal = refused(&home, &["--backbone", "absent.onnx"])?;
    assert!(refusal.contains("absent.onnx cannot be read"), "{refusal}");

    for (file, bytes) in [
        ("text.onnx", b"not a network".to_vec()),
        ("empty.onnx", Vec::new()),
        ("adder.onnx", adder()),
        ("caster.onnx", caster()),
    ] {
        std::fs::write(home.work().join(file), bytes)?;
        let refusal = refused(&home, &["--backbone", file])?;
        assert!(refusal.starts_with(&format!("{file} cannot be used as a backbone: ")), "{refusal}");
    }
    assert_eq!(home.check_objects()?, (40, Vec::new()));
    Ok(())
}

#[test]
fn onnx_runtime_that_is_missing_or_no_library_is_told_how_to_be_had() -> Result<()> {
    let home = Home::new()?;
    images_of_two_classes(&home)?;
    let home = home.with("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    let refusal = refused(&home, &["--recipe", "scratch"])?;
    assert!(refusal.contains("/nowhere/libonnxruntime.so") && refusal.contains("scripts/onnxruntime"), "{refusal}");

    std::fs::write(home.work().join("no-library.so"), "not a library")?;
    let library = home.work().join("no-library.so");
    let home = home.with("ORT_DYLIB_PATH", library);
    let refusal = refused(&home, &["--recipe", "scratch"])?;
    assert!(refusal.contains("no-library.so cannot be used") && refusal.contains("scripts/onnxruntime"), "{refusal}");
    Ok(())
}

#[test]
fn onnx_runtime_that_is_missing_keeps_predict_from_answering_only() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let picture = home.pictures()?[0].display().to_string();
    let mut command = home.command(&["predict", &picture])?;
    let output = command.env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so").output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("scripts/onnxruntime") && error.lines().count() == 1, "{error}");
    assert_eq!(home.json(&["status"])?["release"]["champion"], home.second.as_str());
    Ok(())
}
