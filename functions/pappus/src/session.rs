//! What a command works with.

use std::path::PathBuf;
use std::sync::Arc;

use pappus_domain::ModelVersion;
use pappus_host::{Bus, Context, Settings, shutdown_signal};
use pappus_telemetry::init_logs;

use crate::trouble::{Trouble, of_host};

/// Settings from the environment, with `--home` over them; logs begun. Commands log warnings only unless `PAPPUS_LOG`
/// says otherwise; servers log what they do.
pub(crate) fn settings(home: Option<PathBuf>, is_server: bool) -> Result<Settings, Trouble> {
    let mut settings = Settings::from_environment(home).map_err(of_host)?;
    if !is_server && std::env::var_os("PAPPUS_LOG").is_none() {
        settings.log = "warn".into();
    }
    init_logs(settings.log_format, &settings.log, &settings.service.labels()).map_err(|error| of_host(error.into()))?;
    Ok(settings)
}

/// The neighbours, opened, for a command that is alone in its process: its events go nowhere.
pub(crate) async fn context(settings: Settings) -> Result<Context, Trouble> {
    let (bus, _) = Bus::new();
    Context::open(settings, Arc::new(bus)).await.map_err(of_host)
}

/// The one version that begins with `prefix`.
pub(crate) async fn version(context: &Context, prefix: &str) -> Result<ModelVersion, Trouble> {
    let mut found = context.catalog.find_models(&context.settings.model, prefix).await?.into_iter();
    match (found.next(), found.next()) {
        (Some(version), None) => Ok(version),
        (Some(_), Some(_)) => Err(Trouble::Usage(format!("several versions begin with `{prefix}`: give more of it"))),
        (None, _) => {
            Err(Trouble::Usage(format!("no version begins with `{prefix}`: `pappus models` lists those there are")))
        }
    }
}

/// Does `work` unless Ctrl-C or SIGTERM comes first.
pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let stop = shutdown_signal().map_err(of_host)?;
    tokio::select! {
        done = work => done,
        () = stop => Err(Trouble::Interrupted),
    }
}

/// Lets MLflow be told of what was done, for a moment, and not for whoever presses Ctrl-C.
pub(crate) async fn linger(context: &Context) {
    let telling = async {
        context.tracking.finish().await;
        Ok(())
    };
    // What is left is told later.
    let _ = unless_interrupted(telling).await;
}

/// Who operates this command, for the ledger.
pub(crate) fn operator() -> String {
    let named = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "operator".into())
}
