//! The scripts, with a stand-in for cargo: they find what cargo builds, wherever it is told to build.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// A folder to call scripts from, with a cargo that builds nothing and says how it was called.
struct Place {
    root: PathBuf,
    _folder: TempDir,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = Self { root: folder.path().canonicalize()?, _folder: folder };
        place.program(
            "bin/cargo",
            "echo \"cargo $* to $CARGO_TARGET_DIR\"; echo 'test result: ok. 3 passed; 0 failed;'",
        )?;
        std::fs::write(place.path("library.so"), "a library")?;
        Ok(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn program(&self, name: &str, does: &str) -> Result<()> {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(&path, format!("#!/bin/sh\n{does}\n"))?;
        Ok(std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?)
    }

    /// What a script says that is called from here.
    fn run(&self, script: &str, arguments: &[&str]) -> Result<String> {
        let output = self.call(script, arguments)?;
        ensure!(output.status.success(), "{script}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn call(&self, script: &str, arguments: &[&str]) -> Result<Output> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(script);
        let path = std::env::join_paths([self.path("bin"), "/usr/bin".into(), "/bin".into()])?;
        let mut command = Command::new(&script);
        command.args(arguments).current_dir(&self.root).env("PATH", path);
        command.env("CARGO_TARGET_DIR", "built").env("ORT_DYLIB_PATH", "library.so");
        command.output().with_context(|| script.display().to_string())
    }
}

#[test]
fn a_library_that_is_named_from_here_is_found_from_elsewhere() -> Result<()> {
    let place = Place::new()?;
    let library = place.path("library.so");
    for script in ["onnxruntime", "demo", "bench", "test"] {
        place.program("built/release/pappus", "echo $ORT_DYLIB_PATH")?;
        place.program("built/release/bench", "echo $ORT_DYLIB_PATH")?;
        place.program("bin/cargo", "echo $ORT_DYLIB_PATH")?;
        let arguments: &[&str] = match script {
            "bench" => &[".", ".", "ingest"],
            // With a name it runs cargo's tests and nothing else.
            "test" => &["named"],
            _ => &[],
        };
        let said = place.run(script, arguments)?;
        assert!(said.lines().any(|line| Path::new(line) == library), "{script}: {said}");
    }
    Ok(())
}

#[test]
fn a_library_that_is_named_is_none_for_another_machine() -> Result<()> {
    let refused = Place::new()?.call("onnxruntime", &["sparc64"])?;
    let said = String::from_utf8(refused.stderr)?;
    assert!(said.contains("error: no pinned ONNX Runtime for Linux-sparc64: "), "{said}");
    assert_eq!((refused.status.code(), refused.stdout), (Some(1), Vec::new()));
    Ok(())
}

#[test]
fn the_demonstration_runs_what_was_built() -> Result<()> {
    let place = Place::new()?;
    place.program("built/release/pappus", "echo \"pappus $*\"")?;
    let said = place.run("demo", &["--once"])?;
    assert!(said.contains("pappus demo --once"), "{said}");
    Ok(())
}

#[test]
fn the_benchmarks_measure_what_was_built() -> Result<()> {
    let place = Place::new()?;
    place.program("built/release/bench", "echo \"bench $*\"")?;
    place.program("built/release/accuracy", "echo \"accuracy $*\"")?;
    let said = place.run("bench", &[".", "."])?;
    assert!(said.contains(&format!("bench --pappus {} ", place.path("built/release/pappus").display())), "{said}");
    assert_eq!(said.matches("accuracy --data").count(), 2, "{said}");
    Ok(())
}

#[test]
fn the_tests_go_on_behind_one_that_fails_and_are_counted() -> Result<()> {
    let place = Place::new()?;
    let said = place.run("test", &["some"])?;
    let built = place.path("built");
    let called = "cargo test --locked --workspace --features pappus/servers --no-fail-fast -- --nocapture some";
    let called = format!("{called} to {}", built.display());
    assert!(said.contains(&called), "{said}");
    assert!(said.contains("3 passed, 0 failed, 0 skipped"), "{said}");
    Ok(())
}
