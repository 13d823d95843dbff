//! The train function on a host of its own; and the training job as a program, `pappus-train RUN`, where RUN is in the
//! catalog. The job writes the events that follow to standard output, one JSON object a line, for whoever launched it.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use pappus_domain::{Event, RunId, Timestamp};
use pappus_host::{Bus, Context, Failure, Settings};
use pappus_train::{Error, Train};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    pappus_inference::opt_out_of_telemetry();
    match std::env::args().nth(1) {
        None => pappus_host::run(async |context| Ok(pappus_train::app(context))),
        Some(text) => match text.parse() {
            Ok(run) => job(run),
            Err(_) => {
                wrong(&format!("`{text}` is not the id of a run; without an argument it is hosted as a function"))
            }
        },
    }
}

fn wrong(what: &str) -> ExitCode {
    eprintln!("error: {what}");
    ExitCode::from(2)
}

fn job(run: RunId) -> ExitCode {
    let settings = match Settings::from_environment(None) {
        Ok(settings) => settings,
        Err(error) => return wrong(&error.to_string()),
    };
    let runtime = Runtime::new().map_err(Failure::from_error);
    match runtime.and_then(|runtime| runtime.block_on(train(settings, run))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn train(settings: Settings, run: RunId) -> Result<(), Failure> {
    let labels = settings.service.labels();
    pappus_telemetry::init_logs(settings.log_format, &settings.log, &labels).map_err(Failure::from_error)?;
    let (bus, _) = Bus::new();
    let context = Context::open_when_there(settings, Arc::new(bus)).await.map_err(Failure::from_error)?;
    context.tracking.attend();
    let trained = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step))).run(&run).await?;
    if let Some(trained) = trained {
        let event = Event::new("train", &trained.event(), Timestamp::now()).map_err(Error::from)?;
        let line = serde_json::to_string(&event).map_err(Error::from)?;
        // Whoever launched it may be gone; the model is in the catalog all the same.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    context.tracking.finish().await;
    context.catalog.close().await;
    Ok(())
}
