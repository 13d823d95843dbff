//! ONNX Runtime's shared library: there, missing, or another file. It is loaded once a process, so each case has a
//! process of its own.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::process::Command;

use common::{chain, given, runtime};
use pappus_inference::Runtime;

#[test]
#[ignore = "the other tests run it, each in a process of its own"]
fn load_and_tell() {
    match Runtime::load() {
        Ok(_) => println!("told: loaded"),
        Err(error) => println!("told: {}", chain(&error)),
    }
}

/// What comes of loading the library at a path, told by another process.
fn loading(library: &str) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "load_and_tell", "--ignored", "--nocapture"])
        .env("ORT_DYLIB_PATH", library)
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "it ends as it should: {output}{}", String::from_utf8_lossy(&child.stderr));
    let told = output.split_once("told: ").unwrap().1;
    told.lines().next().unwrap().to_owned()
}

#[test]
fn a_library_that_is_there_is_loaded_once() {
    if runtime().is_some() {
        Runtime::load().unwrap();
        assert_eq!(loading(&std::env::var("ORT_DYLIB_PATH").unwrap()), "loaded");
    }
}

#[test]
fn a_library_that_is_missing_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("libonnxruntime.so"), folder.path().into()] {
        let told = loading(path.to_str().unwrap());
        assert!(told.contains("was not found") && told.contains(path.to_str().unwrap()), "{told}");
        assert!(told.contains("`scripts/onnxruntime`") && told.contains("ORT_DYLIB_PATH"), "{told}");
    }
}

#[test]
fn a_file_that_is_no_library_is_named_with_the_version_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    for content in ["this is a text", ""] {
        std::fs::write(&path, content).unwrap();
        let told = loading(path.to_str().unwrap());
        assert!(told.starts_with(&format!("ONNX Runtime at {} cannot be used", path.display())), "{told}");
        assert!(told.contains("version 1.24 or newer") && told.contains("`scripts/onnxruntime`"), "{told}");
    }
}

#[test]
fn a_library_that_is_too_old_is_named_with_the_version_that_is_needed() {
    let Some(old) = given("PAPPUS_OLD_ORT") else { return };
    let told = loading(&old);
    assert!(told.contains(&old) && told.contains("version 1.24 or newer is needed"), "{told}");
}
