//! `pappus up`: all functions in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use pappus_host::{
    App, Bus, Context, Events, Failure, Hosted, Launch, Operator, Outlet, Settings, Together, bind, serve,
    shutdown_signal,
};
use pappus_train_trigger::ProcessLauncher;
use tokio::net::TcpListener;

use crate::trouble::{Trouble, of_host};

/// How often it is looked for images that another process has taken in, such as `pappus ingest`.
const LOOK: Duration = Duration::from_secs(30);

pub(crate) async fn run(settings: Settings, port: u16) -> Result<(), Trouble> {
    // ONNX Runtime takes longest to load: let it, while the rest is opened. Whether it worked is asked again later.
    let loading = tokio::task::spawn_blocking(pappus_inference::Runtime::load);
    let served = async {
        let listener = listen(port).await?;
        let up = Up::start(settings).await?;
        up.serve(listener, |address| tracing::info!(%address, "listening")).await
    };
    let served = served.await;
    // A process that ends while the library is being loaded can crash.
    let _ = loading.await;
    served
}

/// Listens on the loopback address only: there the routes that change things need no key.
pub(crate) async fn listen(port: u16) -> Result<TcpListener, Trouble> {
    bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(of_host)
}

/// All functions, joined by a bus.
pub(crate) struct Up(Hosted);

impl Up {
    /// Starts every function.
    pub(crate) async fn start(settings: Settings) -> Result<Self, Trouble> {
        only_local(&settings)?;
        let (bus, deliveries) = Bus::new();
        let context = Context::open_when_there(settings, Arc::new(bus.clone())).await.map_err(of_host)?;
        let apps = vec![
            pappus_ingest::app(context.clone()),
            pappus_train_trigger::app_watching(context.clone(), Arc::new(launcher(&context)?), LOOK),
            pappus_evaluate::app(context.clone()),
            pappus_promote::app(context.clone()),
            pappus_predict::app(context.clone()).await,
        ];
        let router = apps.iter().fold(Router::new(), |all, app| all.merge(app.router.clone()));
        let delivered = apps.clone();
        let outlet = Outlet::Published(Arc::new(bus.clone()));
        tokio::spawn(async move { deliveries.run(bus, &delivered).await });
        let together = App { name: "pappus", router, on_event: Arc::new(Together(apps)) };
        Ok(Self(Hosted::new(together, context, outlet)))
    }

    /// Answers until the process is asked to stop; `listening` is told where, once it is so.
    pub(crate) async fn serve(self, listener: TcpListener, listening: impl FnOnce(SocketAddr)) -> Result<(), Trouble> {
        // Caught before anybody is told where it listens, and may send one.
        let stop = shutdown_signal().map_err(of_host)?;
        listening(listener.local_addr().map_err(Failure::from_error)?);
        // Whoever reaches this machine's loopback address may do what its user may.
        serve(listener, Operator::everybody(self.0.router()), stop).await;
        self.0.close().await;
        Ok(())
    }
}

/// The functions of one process need no broker between them, and a training is a child of it.
fn only_local(settings: &Settings) -> Result<(), Trouble> {
    let wrong = |variable, value: &str, allowed| {
        Err(of_host(pappus_host::Error::Setting { variable, value: value.into(), allowed }))
    };
    match settings.events {
        None | Some(Events::Local) => {}
        Some(_) => {
            return wrong("PAPPUS_EVENTS", "another than `local:`, or K_SINK is set", "`local:` for `pappus up`");
        }
    }
    match settings.launcher {
        None | Some(Launch::Process) => Ok(()),
        Some(Launch::Events) => wrong("PAPPUS_LAUNCHER", "events:", "`process:` for `pappus up`"),
    }
}

/// Trains in a child process: this program again, with the same home.
fn launcher(context: &Context) -> Result<ProcessLauncher, Trouble> {
    let program = std::env::current_exe().map_err(Failure::from_error)?;
    let home = context.settings.home.clone().into_os_string();
    let arguments = vec!["--home".into(), home, "training-job".into()];
    Ok(ProcessLauncher::new(context.clone(), program, arguments))
}
