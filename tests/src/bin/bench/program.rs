//! The program under measurement.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// The program.
pub(crate) struct Program {
    path: PathBuf,
}

/// A run that has ended.
pub(crate) struct Ended {
    pub(crate) took: Duration,
    /// The most memory it held, in MiB.
    pub(crate) peak_mib: f64,
    pub(crate) output: String,
}

impl Program {
    pub(crate) fn new(path: PathBuf) -> Result<Self> {
        ensure!(path.is_file(), "{} is no file: build it with `cargo build --release -p pappus`", path.display());
        Ok(Self { path: std::path::absolute(path)? })
    }

    pub(crate) fn command(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--home").arg(home).args(arguments);
        command
    }

    /// Another program of the same build.
    pub(crate) fn beside(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.with_file_name(name);
        ensure!(
            path.is_file(),
            "{} is no file: build it with `cargo build --release --workspace --bins`",
            path.display()
        );
        Ok(path)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, home: &Path, arguments: &[&str]) -> Result<Ended> {
        self.run_with(home, &[], arguments)
    }

    /// The same, with settings in its environment.
    pub(crate) fn run_with(&self, home: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Result<Ended> {
        let begun = Instant::now();
        let mut command = self.command(home, arguments);
        let mut child = command.envs(settings.iter().copied()).arg("--json").stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("no output")?;
        let reading = std::thread::spawn(move || std::io::read_to_string(output));
        let mut peak_mib = 0.0;
        let status = loop {
            peak_mib = peak(child.id()).unwrap_or(peak_mib);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = begun.elapsed();
        let output = reading.join().ok().context("the reader is gone")??;
        if !status.success() {
            bail!("pappus {} ended with {status}", arguments.join(" "));
        }
        Ok(Ended { took, peak_mib, output })
    }

    /// A home with a model that answers, trained on `data` with `backbone`.
    pub(crate) fn released(&self, home: &Path, data: &Path, backbone: &Path) -> Result<()> {
        let backbone = backbone.to_string_lossy();
        self.run(home, &["ingest", &data.to_string_lossy()])?;
        let train = ["train", "--recipe", "transfer", "--backbone", &*backbone, "--normalisation", "minus-one-to-one"];
        let manifest: serde_json::Value = serde_json::from_str(&self.run(home, &train)?.output)?;
        let version = manifest["version"].as_str().context("no version")?;
        self.run(home, &["evaluate", version])?;
        self.run(home, &["promote", version])?;
        Ok(())
    }

    /// Starts all functions, and returns once they listen.
    pub(crate) fn up(&self, home: &Path) -> Result<Up> {
        self.up_with(home, &[])
    }

    /// The same, with settings in its environment.
    pub(crate) fn up_with(&self, home: &Path, settings: &[(&str, &str)]) -> Result<Up> {
        let mut command = self.command(home, &["up", "--port", "0"]);
        let mut child = command.envs(settings.iter().copied()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
        for line in &mut lines {
            if let Some((_, address)) = line?.split_once("listening address=") {
                let address =
                    address.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect::<String>();
                let address = address.parse()?;
                // The pipe has to be read to its end, or the server waits for it.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(Up { child, address });
            }
        }
        bail!("pappus up ended before it listened")
    }
}

/// All functions, running; ended when dropped.
pub(crate) struct Up {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Up {
    /// Memory held now, in MiB.
    pub(crate) fn resident_mib(&self) -> Option<f64> {
        status_mib(self.child.id(), "VmRSS:")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peak(pid: u32) -> Option<f64> {
    status_mib(pid, "VmHWM:")
}

fn status_mib(pid: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Every file below a folder, in order.
pub(crate) fn photographs(data: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for class in std::fs::read_dir(data).with_context(|| data.display().to_string())? {
        let class = class?.path();
        if class.is_dir() {
            for file in std::fs::read_dir(class)? {
                found.push(file?.path());
            }
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "{} holds no folders of photographs", data.display());
    Ok(found)
}
