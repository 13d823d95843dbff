//! `pappus up`: all functions in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use pappus_host::{
    App, Bus, Context, Failure, Settings, bind, bus_routes, serve, shutdown_signal, unknown_route, wrong_method,
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
pub(crate) struct Up {
    context: Context,
    router: Router,
    apps: Arc<[App]>,
}

impl Up {
    /// Starts every function.
    pub(crate) async fn start(settings: Settings) -> Result<Self, Trouble> {
        let (bus, deliveries) = Bus::new();
        let context = Context::open(settings, Arc::new(bus.clone())).await.map_err(of_host)?;
        let apps: Arc<[App]> = Arc::new([
            pappus_ingest::app(context.clone()),
            pappus_train_trigger::app_watching(context.clone(), Arc::new(launcher(&context)?), LOOK),
            pappus_evaluate::app(context.clone()),
            pappus_promote::app(context.clone()),
            pappus_predict::app(context.clone()).await,
        ]);
        let delivered = apps.clone();
        tokio::spawn(async move { deliveries.run(bus, &delivered).await });
        let router = apps.iter().fold(bus_routes(context.events.clone()), |all, app| all.merge(app.router.clone()));
        let router = router.fallback(unknown_route).method_not_allowed_fallback(wrong_method);
        Ok(Self { context, router, apps })
    }

    /// Answers until the process is asked to stop; `listening` is told where, once it is so.
    pub(crate) async fn serve(self, listener: TcpListener, listening: impl FnOnce(SocketAddr)) -> Result<(), Trouble> {
        // Caught before anybody is told where it listens, and may send one.
        let stop = shutdown_signal().map_err(of_host)?;
        listening(listener.local_addr().map_err(Failure::from_error)?);
        serve(listener, self.router, stop).await;
        for handler in self.apps.iter().filter_map(|app| app.on_event.as_ref()) {
            handler.flush().await;
        }
        self.context.catalog.close().await;
        Ok(())
    }
}

/// Trains in a child process: this program again, with the same home.
fn launcher(context: &Context) -> Result<ProcessLauncher, Trouble> {
    let program = std::env::current_exe().map_err(Failure::from_error)?;
    let home = context.settings.home.clone().into_os_string();
    let arguments = vec!["--home".into(), home, "training-job".into()];
    Ok(ProcessLauncher::new(context.clone(), program, arguments))
}
