//! Where the program under test is, and ONNX Runtime.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

/// A function as a program of its own. `cargo build --workspace --bins` makes them all.
pub(crate) fn function(name: &str) -> Result<PathBuf> {
    let path = profile_folder()?.join(format!("pappus-{name}"));
    ensure!(path.is_file(), "{} is not there: run `cargo build --workspace --bins`", path.display());
    Ok(path)
}

/// The program, built if it is not there.
pub(crate) fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    found.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn find() -> Result<PathBuf> {
    let program = profile_folder()?.join("pappus");
    if !program.is_file() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "pappus", "--manifest-path"]);
        build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        ensure!(build.status()?.success(), "`cargo build --package pappus` failed");
    }
    Ok(program)
}

/// `target/debug` or `target/release`: a test's executable is in `deps` below it.
pub(crate) fn profile_folder() -> Result<PathBuf> {
    let folder = std::env::current_exe()?.ancestors().nth(2).context("the test runs from nowhere")?.to_path_buf();
    Ok(folder)
}

/// ONNX Runtime's library: the one that `ORT_DYLIB_PATH` names, else the one beside the program. Where there is none
/// the test that asks is to be skipped, and this says so.
///
/// # Errors
/// Where the test's own place is unknown.
pub fn runtime() -> Result<Option<PathBuf>> {
    let named = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let library = match named {
        Some(library) => library,
        None => profile_folder()?.join("../onnxruntime/libonnxruntime.so"),
    };
    if library.is_file() {
        return Ok(Some(library));
    }
    eprintln!("skipped: ONNX Runtime is not at {}: run scripts/onnxruntime", library.display());
    Ok(None)
}
