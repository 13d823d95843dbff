//! Trainings in child processes.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pappus_domain::run::TrainingRequest;
use pappus_domain::{Event, RunId};
use pappus_host::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use super::{JobState, Launcher};
use crate::error::Error;
use crate::supervisor::failed;

/// Trains in a child process: `program arguments… RUN`. The child writes the events that follow from its work to its
/// standard output, one JSON object a line.
#[derive(Clone)]
pub struct ProcessLauncher {
    context: Context,
    program: PathBuf,
    arguments: Vec<OsString>,
    children: Arc<Mutex<HashMap<RunId, Known>>>,
}

/// What is known of a child.
enum Known {
    /// It lives, and is asked to end by a notice.
    Alive(Arc<Notify>),
    /// It has ended.
    Ended(JobState),
}

impl ProcessLauncher {
    /// A launcher of one program.
    pub fn new(context: Context, program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { context, program, arguments, children: Arc::default() }
    }

    fn children(&self) -> MutexGuard<'_, HashMap<RunId, Known>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, run: RunId) -> Result<Child, Error> {
        Command::new(&self.program)
            .args(&self.arguments)
            .arg(run.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Error::Launch { program: self.program.clone(), source })
    }

    /// Follows a child to its end, and asks it to end where that is wanted.
    async fn watch(&self, run: RunId, child: Child, stop: &Notify) -> Result<(), Error> {
        let pid = child.id();
        let mut ended = pin!(self.follow(run, child));
        let status = tokio::select! {
            status = &mut ended => status?,
            () = stop.notified() => {
                // Nobody else waits for it, so the number is still its own.
                terminate(run, pid);
                ended.await?
            }
        };
        let ended = if status.success() { JobState::Succeeded } else { JobState::Failed { why: died(status) } };
        self.children().insert(run, Known::Ended(ended));
        if !status.success() {
            // A run that said itself how it ended stays as it said.
            failed(&self.context, run, &died(status)).await?;
        }
        Ok(())
    }

    async fn follow(&self, run: RunId, mut child: Child) -> Result<ExitStatus, Error> {
        let watch = |source| Error::Watch { run, source };
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await.map_err(watch)? {
                self.publish(&line).await;
            }
        }
        child.wait().await.map_err(watch)
    }

    async fn publish(&self, line: &str) {
        let published = match serde_json::from_str::<Event>(line) {
            Ok(event) => self.context.events.publish(event).await,
            Err(error) => return tracing::warn!(line, %error, "training wrote a line that is no event"),
        };
        if let Err(error) = published {
            tracing::error!(%error, "an event of training was not published");
        }
    }
}

/// Asks a child to end. One that has ended meanwhile hears nothing.
fn terminate(run: RunId, pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(Err(error)) = pid.map(|pid| kill_process(pid, Signal::TERM)) {
        tracing::warn!(%run, %error, "a training could not be asked to end");
    }
}

fn died(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(9) => "the training process was killed: perhaps the machine ran out of memory".into(),
        _ => format!("the training process ended early ({status})"),
    }
}

#[async_trait]
impl Launcher for ProcessLauncher {
    async fn launch(&self, request: &TrainingRequest) -> Result<(), Error> {
        let run = request.run;
        let stop = Arc::new(Notify::new());
        {
            let mut children = self.children();
            if matches!(children.get(&run), Some(Known::Alive(_))) {
                tracing::info!(%run, "its training process is at work already");
                return Ok(());
            }
            // Of those that have ended nothing more is asked.
            children.retain(|_, known| matches!(known, Known::Alive(_)));
            let child = self.spawn(run)?;
            tracing::info!(%run, pid = child.id(), "training started");
            children.insert(run, Known::Alive(stop.clone()));
            let launcher = self.clone();
            tokio::spawn(async move {
                if let Err(error) = launcher.watch(run, child, &stop).await {
                    launcher.children().remove(&run);
                    tracing::error!(%run, error = &error as &dyn std::error::Error, "training was lost sight of");
                }
            });
        }
        Ok(())
    }

    async fn look(&self, run: RunId) -> Result<JobState, Error> {
        Ok(match self.children().get(&run) {
            None => JobState::Absent,
            Some(Known::Alive(_)) => JobState::Running,
            Some(Known::Ended(ended)) => ended.clone(),
        })
    }

    async fn cancel(&self, run: RunId) -> Result<(), Error> {
        if let Some(Known::Alive(stop)) = self.children().get(&run) {
            stop.notify_one();
        }
        Ok(())
    }

    async fn logs(&self, run: RunId, _lines: i64) -> Result<String, Error> {
        Err(Error::NoLogs { run, place: "the standard error of the process that launched it".into() })
    }
}
