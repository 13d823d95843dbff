//! The train function on a host of its own; and the training job as a program, `pappus-train RUN`, where RUN is in the
//! catalog. The job publishes the events that follow where PAPPUS_EVENTS says, and else writes them to standard output, one
//! JSON object a line, for whoever launched it.

use std::fmt::Display;
use std::io::Write as _;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use pappus_domain::{Event, RunId};
use pappus_host::{Access, Bus, Context, Failure, Outlet, Publisher, Settings, shutdown_signal};
use pappus_train::{Ended, Error, Train};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    pappus_inference::opt_out_of_telemetry();
    match std::env::args().nth(1) {
        None => pappus_host::run(|_| Access::Write, async |context| Ok(pappus_train::app(context))),
        Some(text) => match text.parse() {
            Ok(run) => job(run),
            Err(_) => {
                failed(2, format!("`{text}` is not the id of a run; without an argument it is hosted as a function"))
            }
        },
    }
}

/// The exit code, 2 for what is wrong with arguments or settings, and a line for people.
fn failed(code: u8, what: impl Display) -> ExitCode {
    eprintln!("error: {what}");
    ExitCode::from(code)
}

fn job(run: RunId) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(1, Failure::from_error(error)),
    };
    match runtime.block_on(until_asked_to_end(run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, failure)) => {
            failed(code, failure);
            pappus_host::end(runtime, code)
        }
    }
}

/// Does the job, unless it is asked to end before it is done. A failure comes with the exit code.
async fn until_asked_to_end(run: RunId) -> Result<(), (u8, Failure)> {
    // From here on: in a container nothing else ends the process.
    let mut stop = pin!(shutdown_signal().map_err(|error| (1, Failure::from_error(error)))?);
    let (context, publisher) = tokio::select! {
        opened = open() => opened.map_err(|error| (if error.is_setting() { 2 } else { 1 }, Failure::from_error(error)))?,
        () = &mut stop => return Err((1, Error::Stopping(run).into())),
    };
    context.tracking.attend();
    let train = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step)));
    let done = tokio::select! {
        done = trained(&train, &run, publisher.as_deref()) => {
            context.tracking.finish().await;
            done
        }
        () = stop => train.let_go(&run).await.and(Err(Error::Stopping(run))).map_err(Failure::from),
    };
    context.close().await;
    done.map_err(|failure| (1, failure))
}

async fn open() -> Result<(Context, Option<Arc<dyn Publisher>>), pappus_host::Error> {
    let settings = Settings::from_environment(None)?;
    pappus_telemetry::init_logs(settings.log_format, &settings.log, &settings.service.labels())?;
    let publisher = Outlet::of_job(settings.events.as_ref()).await?;
    let (bus, _) = Bus::new();
    Ok((Context::open_when_there(settings, Arc::new(bus)).await?, publisher))
}

async fn trained(train: &Train, run: &RunId, publisher: Option<&dyn Publisher>) -> Result<(), Failure> {
    let done = train.run(run).await;
    let ended = match &done {
        // An earlier attempt may have ended it, and not have been able to say so.
        Ok(None) => train.ended(run).await?,
        done => Ended::of(done),
    };
    if let Some(ended) = ended {
        tell(ended.event()?, publisher).await?;
    }
    Ok(done.map(drop)?)
}

async fn tell(event: Event, publisher: Option<&dyn Publisher>) -> Result<(), Failure> {
    if let Some(publisher) = publisher {
        return publisher.publish(event).await;
    }
    let line = serde_json::to_string(&event).map_err(Error::from)?;
    // Whoever launched it may be gone; how it ended is in the catalog all the same.
    let _ = writeln!(std::io::stdout(), "{line}");
    Ok(())
}
