//! The main function of a function.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pappus_objects::Access;
use pappus_telemetry::init_logs;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::context::Context;
use crate::disposition::Failure;
use crate::error::Error;
use crate::hosted::Hosted;
use crate::launch::Launch;
use crate::outgoing::Outlet;
use crate::server::{bind, serve, shutdown_signal};
use crate::settings::{Events, Host, Settings};

/// How long work that nobody waits for any more may go on.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Hosts one function, which does no more with objects than `access` says, until the process is asked to stop: on AWS Lambda
/// where its runtime API is, else as a server on `$PORT` of every address. Exit code 0: stopped as asked; 1: it failed; 2: a
/// setting is wrong.
pub fn run(access: fn(&Settings) -> Access, build: impl AsyncFnOnce(Context) -> Result<App, Failure>) -> ExitCode {
    let begun = Instant::now();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(code(Err(Stopped::Function(Failure::from_error(error))))),
    };
    let ended = runtime.block_on(host(access, build, begun));
    end(runtime, code(ended))
}

/// Ends a process whose runtime has done its work: work that nobody waits for any more may go on for a moment.
pub fn end(runtime: Runtime, code: u8) -> ExitCode {
    let closing = Instant::now();
    runtime.shutdown_timeout(LAST_WORK);
    if closing.elapsed() >= LAST_WORK {
        // A computation is under way that may take minutes, in a library that must not be taken from under it by exit
        // handlers. What it would have made is made again: whoever asked was told to ask elsewhere.
        signal_hook::low_level::exit(i32::from(code));
    }
    ExitCode::from(code)
}

/// The exit code, and a line for people where it is not 0.
fn code(ended: Result<(), Stopped>) -> u8 {
    match ended {
        Ok(()) => 0,
        Err(Stopped::Host(error)) => {
            let code = if error.is_setting() { 2 } else { 1 };
            let failure = Failure::from_error(error);
            eprintln!("error: {failure}");
            code
        }
        Err(Stopped::Function(failure)) => {
            eprintln!("error: {failure}");
            1
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

async fn host(
    access: fn(&Settings) -> Access,
    build: impl AsyncFnOnce(Context) -> Result<App, Failure>,
    begun: Instant,
) -> Result<(), Stopped> {
    // From here on: in a container nothing else ends the process.
    let mut stop = pin!(shutdown_signal()?);
    let settings = Settings::from_environment(None)?;
    let settings = Settings { access: access(&settings), ..settings };
    init_logs(settings.log_format, &settings.log, &settings.service.labels()).map_err(Error::from)?;
    let (host, port) = (settings.host, settings.port);
    let events = settings.events.as_ref().unwrap_or(&Events::Answered);
    let launches = settings.launcher.as_ref().is_some_and(|launcher| *launcher != Launch::Events);
    if *events == Events::Answered && launches {
        return Err(Error::Setting {
            variable: "PAPPUS_LAUNCHER",
            value: "another than `events:`".into(),
            allowed: "`events:` where PAPPUS_EVENTS is `reply:`: nobody would hear what becomes of a job after the answer",
        }
        .into());
    }
    let open = async {
        let outlet = Outlet::open(events).await?;
        let context = Context::open_when_there(settings.clone(), outlet.publisher()).await?;
        let app = build(context.clone()).await.map_err(Stopped::Function)?;
        Ok::<_, Stopped>(Hosted::new(app, context, outlet))
    };
    let hosted = tokio::select! {
        hosted = open => hosted?,
        () = &mut stop => {
            tracing::info!("asked to end before it had begun");
            return Ok(());
        }
    };
    match host {
        Host::Server => server(&hosted, port, stop, begun).await?,
        #[cfg(feature = "aws")]
        Host::Lambda => crate::lambda::serve(&hosted, begun).await?,
        #[cfg(not(feature = "aws"))]
        Host::Lambda => return Err(Error::NoLambda.into()),
    }
    hosted.close().await;
    Ok(())
}

async fn server(
    hosted: &Hosted,
    port: u16,
    stop: Pin<&mut impl Future<Output = ()>>,
    begun: Instant,
) -> Result<(), Error> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listener = bind(address).await?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let start_ms = begun.elapsed().as_millis();
    tracing::info!(function = hosted.app.name, %address, start_ms, "listening");
    let stop = async {
        stop.await;
        hosted.app.on_event.stop();
    };
    serve(listener, hosted.router(), stop).await;
    Ok(())
}
