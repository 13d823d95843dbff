//! ONNX Runtime: found, loaded, and started once a process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ort::environment::Environment;

use crate::error::Error;

const LIBRARY: &str = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };

/// ONNX Runtime, ready. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub(crate) environment: Arc<Environment>,
    loading: Duration,
}

/// Keeps ONNX Runtime from reporting to its makers, and from leaving a device id in the user's home: the official
/// libraries do both unless this is in the environment before they start.
///
/// To be called first in `main`, before any other thread is started.
pub fn opt_out_of_telemetry() {
    const OPT_OUT: &str = "ORT_DISABLE_TELEMETRY";
    if std::env::var_os(OPT_OUT).is_none() {
        #[expect(unsafe_code, reason = "there is no other way to set it for a library of this process")]
        // SAFETY: no other thread runs yet that could read the environment meanwhile; callers see to it.
        unsafe {
            std::env::set_var(OPT_OUT, "1");
        }
    }
}

static STARTED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the shared library and starts it; the second call in a process returns what the first one started.
    ///
    /// The library is the one that `ORT_DYLIB_PATH` names, else the first found beside the executable, in
    /// `onnxruntime/` or `lib/` one folder up, in `/opt/lib` (a Lambda layer) or in the system's library folders.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`], [`Error::RuntimeUnusable`].
    pub fn load() -> Result<Self, Error> {
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = started.as_ref() {
            return Ok(runtime.clone());
        }
        let begun = Instant::now();
        let path = find()?;
        let builder = ort::init_from(&path).map_err(|source| Error::RuntimeUnusable { path, source })?;
        let environment = builder
            .with_name("pappus")
            .with_telemetry(false)
            .build()
            .map_err(|source| Error::Runtime { doing: "start", source })?;
        Ok(started.insert(Self { environment: Arc::new(environment), loading: begun.elapsed() }).clone())
    }

    /// How long it took to load and start it.
    pub const fn loading(&self) -> Duration {
        self.loading
    }
}

fn find() -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        return if path.is_file() { Ok(path) } else { Err(Error::RuntimeMissing { looked: vec![path] }) };
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let near = beside.iter().flat_map(|dir| [dir.clone(), dir.join("../onnxruntime"), dir.join("../lib")]);
    let system = ["/opt/lib", "/usr/local/lib", "/usr/lib", "/usr/lib64"].map(PathBuf::from);
    let looked: Vec<PathBuf> = near.chain(system).map(|dir| dir.join(LIBRARY)).collect();
    match looked.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(Error::RuntimeMissing { looked }),
    }
}
