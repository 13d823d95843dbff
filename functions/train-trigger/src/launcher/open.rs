//! The launcher that the settings name.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pappus_host::{Context, Launch};

#[cfg(feature = "kubernetes")]
use super::kubernetes::KubernetesLauncher;
#[cfg(feature = "lambda")]
use super::lambda::LambdaLauncher;
use super::{Launcher, ProcessLauncher};
use crate::error::Error;

/// The program that trains in a child process: `program arguments… RUN`.
#[derive(Clone, Debug)]
pub struct Child {
    /// The program.
    pub program: PathBuf,
    /// What comes before the run.
    pub arguments: Vec<OsString>,
}

/// What launches trainings as `launch` says; nothing where the event that asks for one starts it, at the train function.
///
/// # Errors
/// What keeps the place from being used, and that this build does not know it.
pub async fn open(context: &Context, launch: &Launch, child: Child) -> Result<Option<Arc<dyn Launcher>>, Error> {
    Ok(match launch {
        Launch::Events => None,
        Launch::Process => Some(Arc::new(ProcessLauncher::new(context.clone(), child.program, child.arguments))),
        #[cfg(feature = "kubernetes")]
        Launch::Kubernetes(template) => Some(Arc::new(KubernetesLauncher::open(template).await?)),
        #[cfg(not(feature = "kubernetes"))]
        Launch::Kubernetes(template) => {
            let value = format!("kubernetes://{}/{}", template.namespace, template.config_map);
            return Err(not_built(value, "another in this build, which was made without the feature `kubernetes`"));
        }
        #[cfg(feature = "lambda")]
        Launch::Lambda(function) => Some(Arc::new(LambdaLauncher::open(function).await)),
        #[cfg(not(feature = "lambda"))]
        Launch::Lambda(function) => {
            let value = format!("lambda://{}", function.name);
            return Err(not_built(value, "another in this build, which was made without the feature `lambda`"));
        }
    })
}

#[cfg(not(all(feature = "kubernetes", feature = "lambda")))]
fn not_built(value: String, allowed: &'static str) -> Error {
    Error::Setting(pappus_host::Error::Setting { variable: "PAPPUS_LAUNCHER", value, allowed })
}
