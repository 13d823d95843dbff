//! The main function of a function.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Instant;

use pappus_telemetry::init_logs;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::context::Context;
use crate::disposition::Failure;
use crate::error::Error;
use crate::hosted::Hosted;
use crate::outgoing::Outlet;
use crate::server::{bind, serve, shutdown_signal};
use crate::settings::{Events, Host, Settings};

/// Hosts one function until the process is asked to stop: on AWS Lambda where its runtime API is, else as a server on
/// `$PORT` of every address. Exit code 0: stopped as asked; 1: it failed; 2: a setting is wrong.
pub fn run(build: impl AsyncFnOnce(Context) -> Result<App, Failure>) -> ExitCode {
    let begun = Instant::now();
    let ended = match Runtime::new() {
        Ok(runtime) => runtime.block_on(host(build, begun)),
        Err(error) => Err(Stopped::Function(Failure::from_error(error))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stopped::Host(error)) => {
            let code = if error.is_setting() { 2 } else { 1 };
            let failure = Failure::from_error(error);
            eprintln!("error: {failure}");
            ExitCode::from(code)
        }
        Err(Stopped::Function(failure)) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

enum Stopped {
    Host(Error),
    Function(Failure),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

async fn host(build: impl AsyncFnOnce(Context) -> Result<App, Failure>, begun: Instant) -> Result<(), Stopped> {
    let settings = Settings::from_environment(None)?;
    init_logs(settings.log_format, &settings.log, &settings.service.labels()).map_err(Error::from)?;
    let (host, port) = (settings.host, settings.port);
    let outlet = Outlet::open(settings.events.as_ref().unwrap_or(&Events::Answered)).await?;
    let context = Context::open(settings, outlet.publisher()).await?;
    let app = build(context.clone()).await.map_err(Stopped::Function)?;
    let hosted = Hosted::new(app, context, outlet);
    match host {
        Host::Server => server(&hosted, port, begun).await?,
        #[cfg(feature = "aws")]
        Host::Lambda => crate::lambda::serve(&hosted, begun).await?,
        #[cfg(not(feature = "aws"))]
        Host::Lambda => return Err(Error::NoLambda.into()),
    }
    hosted.close().await;
    Ok(())
}

async fn server(hosted: &Hosted, port: u16, begun: Instant) -> Result<(), Error> {
    let listener = bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await?;
    let stop = shutdown_signal()?;
    let address = listener.local_addr().map_err(Error::Signals)?;
    let start_ms = begun.elapsed().as_millis();
    tracing::info!(function = hosted.app.name, %address, start_ms, "listening");
    serve(listener, hosted.router(), stop).await;
    Ok(())
}
