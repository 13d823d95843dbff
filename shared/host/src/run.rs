//! The main function of a function.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use pappus_telemetry::init_logs;

use crate::app::App;
use crate::bus::Bus;
use crate::cloud_event;
use crate::context::Context;
use crate::disposition::{Failure, unknown_route};
use crate::error::Error;
use crate::server::{bind, serve, shutdown_signal};
use crate::settings::Settings;
use crate::wrong_method::wrong_method;

/// Hosts one function until the process is asked to stop. Exit code 0: stopped as asked; 1: it failed; 2: a setting is
/// wrong.
pub async fn run<F>(build: impl FnOnce(Context) -> F) -> ExitCode
where
    F: Future<Output = Result<App, Failure>>,
{
    match host(build).await {
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

async fn host<F>(build: impl FnOnce(Context) -> F) -> Result<(), Stopped>
where
    F: Future<Output = Result<App, Failure>>,
{
    let settings = Settings::from_environment(None)?;
    init_logs(settings.log_format, &settings.log).map_err(Error::from)?;
    let port = settings.port;
    let (bus, deliveries) = Bus::new();
    let context = Context::open(settings, Arc::new(bus.clone())).await?;
    let app = build(context.clone()).await.map_err(Stopped::Function)?;
    // Routes that change things need no key yet, so nobody else may reach them.
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let stop = shutdown_signal()?;
    tracing::info!(function = app.name, port, "listening");
    let events = app.on_event.clone().map_or_else(Router::new, |on| cloud_event::routes(on, context.events.clone()));
    let router = app.router.clone().merge(events).fallback(unknown_route).method_not_allowed_fallback(wrong_method);
    let apps = [app];
    let delivering = deliveries.run(bus, &apps);
    let serving = serve(listener, router, stop);
    tokio::select! {
        () = serving => {}
        () = delivering => {}
    }
    for handler in apps.iter().filter_map(|app| app.on_event.as_ref()) {
        handler.flush().await;
    }
    context.catalog.close().await;
    Ok(())
}
