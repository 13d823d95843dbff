//! A folder in which the program is run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pappus_domain::{Digest, Manifest};
use serde_json::Value;
use tempfile::TempDir;

use crate::Service;
use crate::program::program;
use crate::running::{Ended, Running};

/// How the variables begin that our programs read, but for those of AWS and of ONNX Runtime.
const READ: [&str; 4] = ["PAPPUS_", "K_", "MLFLOW_", "AWS_LAMBDA_"];

/// A folder in which the program is run; removed when dropped.
#[derive(Debug)]
pub struct Home {
    work: TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Home {
    /// An empty one.
    ///
    /// # Errors
    /// Where no folder can be made.
    pub fn new() -> Result<Self> {
        Ok(Self { work: tempfile::tempdir()?, environment: Vec::new() })
    }

    /// One with all that another holds.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub fn copy_of(work: &Path) -> Result<Self> {
        let copy = Self::new()?;
        let copied = Command::new("cp").arg("-a").arg(work.join(".")).arg(copy.work()).status()?;
        ensure!(copied.success(), "{} could not be copied", work.display());
        Ok(copy)
    }

    /// The same, with a variable set in the environment of every process.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((variable.into(), value.as_ref().into()));
        self
    }

    /// The same, standing on a server.
    #[must_use]
    pub fn on(self, server: &Service) -> Self {
        server.settings().fold(self, |home, (variable, value)| home.with(variable, value))
    }

    /// The same home, to be gone to another way. Its folder of files is another.
    ///
    /// # Errors
    /// Where no folder can be made.
    pub fn beside(&self) -> Result<Self> {
        let beside = Self { work: tempfile::tempdir()?, environment: self.environment.clone() };
        Ok(beside.with("PAPPUS_HOME", self.path()))
    }

    /// The folder around the program's home, for files of the test.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    /// The program's home.
    pub fn path(&self) -> PathBuf {
        self.work.path().join("home")
    }

    /// The program, about to be run in this home, with nothing of the test's own environment that it would read.
    ///
    /// # Errors
    /// Where the program cannot be found or built.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.command_of(program()?);
        command.args(arguments);
        Ok(command)
    }

    /// Any of our programs, likewise.
    pub(crate) fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if READ.iter().any(|read| name.starts_with(read)) {
                command.env_remove(variable);
            }
        }
        command.env_remove("PORT").env("NO_COLOR", "1").env("RUST_BACKTRACE", "1").env("PAPPUS_HOME", self.path());
        command.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        command.current_dir(self.work());
        command
    }

    /// Moves all that another holds to where this one stands.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn take_over(&self, other: &Self) -> Result<()> {
        let mut lines = format!("PAPPUS_HOME='{}'\n", self.path().display());
        for (variable, value) in &self.environment {
            lines.push_str(&format!("{}='{}'\n", variable.display(), value.display()));
        }
        std::fs::write(self.work().join("here.env"), lines)?;
        self.json(&["migrate", &other.path().display().to_string(), "here.env"]).map(drop)
    }

    /// Starts the program.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(self.command(arguments)?)
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// Where it cannot be started, does not end, or panics.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended> {
        self.start(arguments)?.wait()
    }

    /// What the program prints with `--json`, if it ends with exit code 0.
    ///
    /// # Errors
    /// Where it ends otherwise, or prints no JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        self.run(&[arguments, &["--json"]].concat())?.expect(0)?.json()
    }

    /// What the program says is wrong, if it ends with this exit code.
    ///
    /// # Errors
    /// Where it ends otherwise, or says nothing.
    pub fn refusal(&self, code: i32, arguments: &[&str]) -> Result<String> {
        let ended = self.run(arguments)?.expect(code)?;
        let error = ended.stderr.lines().find_map(|line| line.strip_prefix("error: "));
        let error = error.with_context(|| format!("{arguments:?} gave no reason: {}", ended.stderr))?;
        Ok(error.to_owned())
    }

    /// Every stored object below a folder of the store.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn objects(&self, folder: &str) -> Result<Vec<PathBuf>> {
        let root = self.path().join("objects").join(folder);
        let mut found = Vec::new();
        if !root.is_dir() {
            return Ok(found);
        }
        let mut folders = vec![root];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Finds that every stored image is what its name says, and that every package with a manifest is whole. Returns the
    /// number of images and the versions of the packages.
    ///
    /// # Errors
    /// Where anything is half.
    pub fn check_objects(&self) -> Result<(usize, Vec<String>)> {
        let images = self.objects("images")?;
        for path in &images {
            let digest = Digest::of(&std::fs::read(path)?).to_string();
            ensure!(path.ends_with(&digest), "{} has digest {digest}", path.display());
        }
        let mut versions = Vec::new();
        for path in self.objects("models")?.iter().filter(|path| path.ends_with(Manifest::FILE)) {
            let manifest: Manifest = serde_json::from_slice(&std::fs::read(path)?)?;
            for (file, expected) in &manifest.files {
                let found = Digest::of(&std::fs::read(path.with_file_name(file))?);
                ensure!(found == *expected, "{file} of {} has digest {found}", manifest.version);
            }
            versions.push(manifest.version.to_string());
        }
        Ok((images.len(), versions))
    }
}
