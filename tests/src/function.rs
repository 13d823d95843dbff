//! One function in a process of its own, answering over HTTP.

use std::net::SocketAddr;

use anyhow::{Result, bail};

use crate::http::{Answer, agent};
use crate::program::function;
use crate::running::{Ended, Running};
use crate::{Home, eventually};

/// One function in a process of its own, on a free port of this machine; killed when dropped.
#[derive(Debug)]
pub struct Function {
    running: Running,
    address: SocketAddr,
    agent: ureq::Agent,
}

impl Function {
    /// Starts `pappus-NAME` in a home, and returns once it listens.
    ///
    /// # Errors
    /// Where it ends before.
    pub fn start(home: &Home, name: &str, environment: &[(&str, &str)]) -> Result<Self> {
        Self::listening(Self::launch(home, name, environment)?)
    }

    /// Starts one that cannot listen yet: once its log says so, `then` is done, and once it listens this returns.
    ///
    /// # Errors
    /// Where it ends before, or `then` fails.
    pub fn start_waiting(home: &Home, name: &str, says: &str, then: impl FnOnce() -> Result<()>) -> Result<Self> {
        let running = Self::launch(home, name, &[])?;
        eventually(says, || Ok(running.log().contains(says).then_some(())))?;
        then()?;
        Self::listening(running)
    }

    /// Starts one, whatever comes of it.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn launch(home: &Home, name: &str, environment: &[(&str, &str)]) -> Result<Running> {
        let mut command = home.command_of(&function(name)?);
        command.env("PORT", "0").envs(environment.iter().copied());
        Running::start(command)
    }

    /// Starts `pappus-NAME` with arguments, as a job.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn job(home: &Home, name: &str, arguments: &[&str]) -> Result<Running> {
        let mut command = home.command_of(&function(name)?);
        command.args(arguments);
        Running::start(command)
    }

    fn listening(mut running: Running) -> Result<Self> {
        let port = eventually("the function listens", || {
            let log = running.log();
            let told = log.lines().find_map(|line| line.split_once("address=0.0.0.0:"));
            if told.is_none() && !running.is_alive()? {
                bail!("the function ended: {}", running.log());
            }
            Ok(told.and_then(|(_, rest)| rest.split(' ').next()?.parse::<u16>().ok()))
        })?;
        Ok(Self { running, address: SocketAddr::from(([127, 0, 0, 1], port)), agent: agent() })
    }

    /// Where it can be reached.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// `GET`.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        Answer::of(self.agent.get(format!("http://{}{path}", self.address)).call()?)
    }

    /// `POST`.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Answer> {
        let request = self.agent.post(format!("http://{}{path}", self.address));
        Answer::of(request.header("content-type", content_type).send(body)?)
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it does not end, or has panicked.
    pub fn wait(self) -> Result<Ended> {
        self.running.wait()
    }

    /// Asks it to stop, and sees that it ends as asked.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub fn stop(self) -> Result<Ended> {
        self.signal("TERM")?;
        self.wait()?.expect(0)
    }
}
