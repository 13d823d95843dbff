//! How predict is.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pappus_domain::{ModelVersion, Timestamp};
use pappus_host::Context;
use pappus_objects::Access;
use serde::Serialize;
use sysinfo::{Disk, Disks, System};
use tokio::task::spawn_blocking;

use crate::serving::Serving;

/// How long a neighbour may take to say that it is there.
const NEIGHBOUR_TIMEOUT: Duration = Duration::from_secs(2);

/// `GET /health`. `status` is `healthy`; `degraded` where answers are given but a neighbour is away or a release could
/// not be followed; `unhealthy` where no answers are given.
#[derive(Serialize)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
    pub(crate) live: bool,
    pub(crate) ready: bool,
    timestamp: Timestamp,
    version: &'static str,
    model_loaded: bool,
    model_version: Option<ModelVersion>,
    database_connected: bool,
    objects_connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    system: Load,
}

/// How busy the machine is, in percent; nothing where the operating system does not say.
#[derive(Default, Serialize)]
struct Load {
    cpu_percent: Option<f32>,
    memory_percent: Option<f64>,
    disk_percent: Option<f64>,
}

/// Looks at the machine. The processor's load is that since the last look.
pub(crate) struct Probe(Mutex<Option<System>>);

impl Probe {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(System::new().ok()))
    }

    pub(crate) async fn health(&self, context: &Context, serving: &Serving) -> Health {
        let catalog = tokio::time::timeout(NEIGHBOUR_TIMEOUT, context.catalog.check());
        let objects = tokio::time::timeout(NEIGHBOUR_TIMEOUT, context.objects.check(Access::Read));
        let home = context.settings.home.clone();
        // A network disk that is away answers nobody.
        let disk = tokio::time::timeout(NEIGHBOUR_TIMEOUT, spawn_blocking(move || disk_percent(&home)));
        let (catalog, objects, disk) = tokio::join!(catalog, objects, disk);
        let disk_percent = disk.ok().and_then(Result::ok).flatten();
        let database_connected = matches!(catalog, Ok(Ok(())));
        let objects_connected = matches!(objects, Ok(Ok(())));
        let current = serving.current();
        let fault = serving.fault();
        let status = match &current {
            Err(_) => "unhealthy",
            Ok(_) if database_connected && objects_connected && fault.is_none() => "healthy",
            Ok(_) => "degraded",
        };
        Health {
            status,
            live: true,
            ready: current.is_ok(),
            timestamp: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION"),
            model_loaded: current.is_ok(),
            model_version: current.as_ref().ok().map(|live| live.version().clone()),
            database_connected,
            objects_connected,
            detail: fault.or_else(|| current.err().map(|error| error.to_string())),
            system: Load { disk_percent, ..self.load() },
        }
    }

    fn load(&self) -> Load {
        let mut looked_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(system) = looked_at.as_mut() else { return Load::default() };
        system.refresh_cpu_usage();
        system.refresh_memory();
        Load {
            cpu_percent: Some(system.global_cpu_usage()),
            memory_percent: percent(system.used_memory(), system.total_memory()),
            disk_percent: None,
        }
    }
}

/// How full the disk is that holds the home folder.
fn disk_percent(home: &Path) -> Option<f64> {
    let home = std::path::absolute(home).ok()?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holding = disks.into_iter().filter(|disk| home.starts_with(disk.mount_point()));
    let disk: &Disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    percent(disk.total_space().saturating_sub(disk.available_space()), disk.total_space())
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}
