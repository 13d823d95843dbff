//! Where a training runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use async_trait::async_trait;
use pappus_domain::{Event, RunId, RunStatus, Timestamp};
use pappus_host::Context;
use pappus_tracking::News;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::error::Error;

/// What starts a training somewhere.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts the training of a run that is in the catalog, and returns at once.
    async fn launch(&self, run: RunId) -> Result<(), Error>;
}

/// Trains in a child process: `program arguments… RUN`. The child writes the events that follow from its work to its
/// standard output, one JSON object a line.
#[derive(Clone)]
pub struct ProcessLauncher {
    context: Context,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl ProcessLauncher {
    /// A launcher of one program.
    pub const fn new(context: Context, program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { context, program, arguments }
    }

    async fn watch(&self, run: RunId, mut child: Child) -> Result<(), Error> {
        let watch = |source| Error::Watch { run, source };
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).lines();
            while let Some(line) = lines.next_line().await.map_err(watch)? {
                self.publish(&line).await;
            }
        }
        let status = child.wait().await.map_err(watch)?;
        if status.success() {
            return Ok(());
        }
        // A run that said itself how it ended stays as it said.
        let failed = RunStatus::Failed { message: died(status) };
        if self.context.catalog.update_run(&run, None, &failed, Timestamp::now()).await? {
            tracing::error!(%run, %status, "training ended without a word");
            self.context.tracking.tell(News::run(run)).await;
        }
        Ok(())
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

fn died(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(9) => "the training process was killed: perhaps the machine ran out of memory".into(),
        _ => format!("the training process ended early ({status})"),
    }
}

#[async_trait]
impl Launcher for ProcessLauncher {
    async fn launch(&self, run: RunId) -> Result<(), Error> {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(run.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Error::Launch { program: self.program.clone(), source })?;
        tracing::info!(%run, pid = child.id(), "training started");
        let launcher = self.clone();
        tokio::spawn(async move {
            if let Err(error) = launcher.watch(run, child).await {
                tracing::error!(%run, error = &error as &dyn std::error::Error, "training was lost sight of");
            }
        });
        Ok(())
    }
}
