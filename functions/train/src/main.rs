//! The train function on a host of its own; and the training job as a program, `pappus-train RUN`, where RUN is in the
//! catalog. The job publishes the events that follow where PAPPUS_EVENTS says, and else writes them to standard output, one
//! JSON object a line, for whoever launched it.

use std::fmt::Display;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use pappus_domain::RunId;
use pappus_host::{Access, Context, Failure, Outlet, Settings, shutdown_signal};
use pappus_train::{Ended, Error, Lines, Train};
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
    let context = tokio::select! {
        opened = open() => opened.map_err(|error| (if error.is_setting() { 2 } else { 1 }, Failure::from_error(error)))?,
        () = &mut stop => return Err((1, Error::Stopping(run).into())),
    };
    context.tracking.attend();
    let train = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step)));
    let done = tokio::select! {
        done = trained(&context, &train, &run) => {
            context.tracking.finish().await;
            done
        }
        () = stop => train.let_go(&run).await.and(Err(Error::Stopping(run))).map_err(Failure::from),
    };
    context.close().await;
    done.map_err(|failure| (1, failure))
}

async fn open() -> Result<Context, pappus_host::Error> {
    let settings = Settings::from_environment(None)?;
    pappus_telemetry::init_logs(settings.log_format, &settings.log, &settings.service.labels())?;
    let publisher = Outlet::of_job(settings.events.as_ref()).await?;
    Context::open_when_there(settings, publisher.unwrap_or_else(|| Arc::new(Lines))).await
}

async fn trained(context: &Context, train: &Train, run: &RunId) -> Result<(), Failure> {
    let done = train.run(run).await;
    let ended = match &done {
        // An earlier attempt may have ended it, and not have been able to say so.
        Ok(None) => train.ended(run).await?,
        done => Ended::of(done),
    };
    if let Some(ended) = ended {
        context.events.publish(ended.event()?).await?;
    }
    Ok(done.map(drop)?)
}
