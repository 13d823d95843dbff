//! The training job as a program of its own: `pappus-train RUN`, where RUN is in the catalog. Events go to standard
//! output, one JSON object a line, for whoever launched it.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use pappus_domain::{Event, Timestamp};
use pappus_host::{Bus, Context, Failure, Settings};
use pappus_train::{Error, Train};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(run) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("error: one argument is wanted, the id of a run in the catalog");
        return ExitCode::from(2);
    };
    let settings = match Settings::from_environment(None) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match train(settings, run).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn train(settings: Settings, run: pappus_domain::RunId) -> Result<(), Failure> {
    pappus_telemetry::init_logs(settings.log_format, &settings.log).map_err(Failure::from_error)?;
    let (bus, _) = Bus::new();
    let context = Context::open(settings, Arc::new(bus)).await.map_err(Failure::from_error)?;
    let trained = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step))).run(&run).await?;
    if let Some(trained) = trained {
        let event = Event::new("train", &trained.event(), Timestamp::now()).map_err(Error::from)?;
        let line = serde_json::to_string(&event).map_err(Error::from)?;
        // Whoever launched it may be gone; the model is in the catalog all the same.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    context.catalog.close().await;
    Ok(())
}
