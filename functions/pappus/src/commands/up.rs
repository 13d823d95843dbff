//! `pappus up`: all functions in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use pappus_host::{
    App, Bus, Context, Events, Failure, Hosted, Launch, Outlet, Settings, Together, bind, serve, shutdown_signal,
};
use pappus_train_trigger::{Child, Error, Launcher, Telling};
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

/// Listens on the loopback address only: there the routes that change things need no key, unless there are keys.
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
        let mut apps = vec![
            pappus_ingest::app(context.clone()),
            train_trigger(&context).await?,
            pappus_evaluate::app(context.clone()),
            pappus_promote::app(context.clone()),
            pappus_predict::app(context.clone()).await,
        ];
        if context.settings.notify.is_set() {
            apps.push(pappus_notify::app(context.clone())?);
        }
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
        serve(listener, self.0.local_router(), stop).await;
        self.0.close().await;
        Ok(())
    }
}

/// The functions of one process need no broker between them, and trainings are launched from here.
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
        Some(Launch::Events) => Err(no_launcher()),
        _ => Ok(()),
    }
}

fn no_launcher() -> Trouble {
    of_host(pappus_host::Error::Setting {
        variable: "PAPPUS_LAUNCHER",
        value: "events:".into(),
        allowed: "`process:`, `kubernetes://NAMESPACE/CONFIGMAP` or `lambda://FUNCTION` for `pappus up`",
    })
}

/// The train-trigger. What a child makes its launcher tells of; what is made elsewhere tells itself, but not this process.
async fn train_trigger(context: &Context) -> Result<App, Trouble> {
    let launch = context.settings.launcher.as_ref().unwrap_or(&Launch::Process);
    let telling = if *launch == Launch::Process { Telling::ByJob } else { Telling::ByRow };
    let launcher = launcher(context).await?.ok_or_else(no_launcher)?;
    Ok(pappus_train_trigger::app_watching(context.clone(), launcher, telling, LOOK))
}

/// Launches trainings as the settings say: in a child process, which is this program again with the same home, unless they
/// say otherwise.
pub(crate) async fn launcher(context: &Context) -> Result<Option<Arc<dyn Launcher>>, Trouble> {
    let program = std::env::current_exe().map_err(Failure::from_error)?;
    let home = context.settings.home.clone().into_os_string();
    let child = Child { program, arguments: vec!["--home".into(), home, "training-job".into()] };
    let launch = context.settings.launcher.as_ref().unwrap_or(&Launch::Process);
    pappus_train_trigger::open(context, launch, child).await.map_err(|error| match error {
        Error::Setting(setting) => of_host(setting),
        other => Trouble::Failed(other.into()),
    })
}
