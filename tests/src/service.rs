//! A server of a test's own, which may be told what others must not hear, and killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::program::profile_folder;

/// A server that `scripts/services` has brought up in a folder of its own; ended and removed when dropped.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    folder: TempDir,
    environment: Vec<(&'static str, PathBuf)>,
    settings: Vec<(String, String)>,
}

impl Service {
    /// Brings one up, with more in its environment. None where it cannot be had, which has been said.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start(name: &'static str, environment: &[(&'static str, &Path)]) -> Result<Option<Self>> {
        let environment = environment.iter().map(|(variable, path)| (*variable, path.to_path_buf())).collect();
        let mut service = Self { name, folder: tempfile::tempdir()?, environment, settings: Vec::new() };
        Ok(service.start_with(&[])?.then_some(service))
    }

    /// Brings it up again, or again with options where it runs with others. Says whether it can be had.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start_with(&mut self, options: &[&str]) -> Result<bool> {
        let started = self.command("start").args(options).output()?;
        match started.status.code() {
            Some(0) => {}
            Some(3) => return Ok(false),
            code => bail!("{} did not start: {code:?}", self.name),
        }
        let said = String::from_utf8(started.stdout)?;
        let settings = said.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        self.settings = settings.map(|(name, value)| (name.into(), value.trim_matches('\'').into())).collect();
        Ok(true)
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// Where it cannot be ended.
    pub fn kill(&self) -> Result<()> {
        ensure!(self.command("kill").status()?.success(), "{} could not be killed", self.name);
        Ok(())
    }

    /// A setting for whoever uses it.
    ///
    /// # Errors
    /// Where it has none of this name.
    pub fn setting(&self, name: &str) -> Result<&str> {
        let found = self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.with_context(|| format!("{} has no setting {name}", self.name))
    }

    /// What whoever uses it has in the environment.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| !name.starts_with("PAPPUS_TEST_"))
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services"));
        command.arg(what).arg("--at").arg(self.folder.path()).arg(self.name);
        // Programs that have been built are found there.
        if let Some(target) = profile_folder().ok().as_deref().and_then(Path::parent) {
            command.env("CARGO_TARGET_DIR", target);
        }
        command.envs(self.environment.iter().map(|(variable, path)| (variable, path)));
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.command("stop").status().is_ok_and(|status| status.success()) {
            eprintln!("{} may run on in {}", self.name, self.folder.path().display());
        }
    }
}
