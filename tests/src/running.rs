//! A process of the program, and what came of it.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::eventually;

/// A process that has not ended yet; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    what: String,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<()>>,
    log: Arc<Mutex<String>>,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    what: String,
    /// None where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let what = format!("{command:?}");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context(what.clone())?;
        let mut output = child.stdout.take().context("no standard output")?;
        let stdout = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before a fault is what there is.
            let _ = output.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let errors = BufReader::new(child.stderr.take().context("no standard error")?);
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        let stderr = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Ok(Self { child, what, stdout: Some(stdout), stderr: Some(stderr), log })
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// Where the operating system will not say.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Errors
    /// Where it has ended already.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        ensure!(sent.success(), "{}: could not be sent {name}: {}", self.what, self.log());
        Ok(())
    }

    /// Stops it where it stands, with all its threads, until it is sent `CONT`.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn freeze(&self) -> Result<()> {
        // Not by `kill`: what it would do meanwhile is what is asked about.
        kill_process(Pid::from_child(&self.child), Signal::STOP).with_context(|| self.log())?;
        eventually("it stands still", || {
            for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
                let status = std::fs::read_to_string(thread?.path().join("status"))?;
                if !status.contains("\nState:\tT") {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it does not end before the deadline, or has panicked.
    pub fn wait(mut self) -> Result<Ended> {
        let status = eventually(&self.what, || Ok(self.child.try_wait()?))?;
        let stdout = self.stdout.take().and_then(|reader| reader.join().ok()).context("the reader is gone")?;
        self.stderr.take().and_then(|reader| reader.join().ok()).context("the reader is gone")?;
        let ended = Ended { what: self.what.clone(), code: status.code(), stdout, stderr: self.log() };
        ensure!(!ended.stderr.contains("panicked"), "{} panicked: {}", ended.what, ended.stderr);
        Ok(ended)
    }

    /// Kills it with no chance to tidy up. Says whether it was still at work.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn kill(mut self) -> Result<bool> {
        let alive = self.is_alive()?;
        self.child.kill()?;
        let ended = self.wait()?;
        Ok(alive && ended.code.is_none())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself in most cases.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Itself, if it ended with this code.
    ///
    /// # Errors
    /// Where it did not, with all it wrote.
    pub fn expect(self, code: i32) -> Result<Self> {
        let Self { what, code: found, stdout, stderr } = &self;
        if *found != Some(code) {
            bail!("{what} ended with {found:?} instead of {code}\nstdout: {stdout}\nstderr: {stderr}");
        }
        Ok(self)
    }

    /// Its standard output as JSON.
    ///
    /// # Errors
    /// Where it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{} printed {}", self.what, self.stdout))
    }
}
