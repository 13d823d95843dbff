//! The plot of a training, beside its package. No digest and no version has anything of it, so what keeps it from being
//! drawn keeps nothing else: it is logged, and the plot is not there.

use pappus_domain::Manifest;
use pappus_domain::validation::Validation;
use pappus_objects::{Key, Objects, PutMode};
use pappus_plots::{Drawing, TRAINING, training};
use tokio::task::spawn_blocking;

/// Why the plot is not there.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error(transparent)]
    Plot(#[from] pappus_plots::Error),
    #[error("the drawing was stopped")]
    Stopped(#[from] tokio::task::JoinError),
    #[error("the plot cannot be stored")]
    Objects(#[from] pappus_objects::Error),
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
}

/// Draws what cross-validation said, and stores it where nothing is yet: the same version made by another training keeps
/// the plot of the first.
pub(crate) async fn plot(objects: &Objects, manifest: &Manifest, validation: Validation) {
    if let Err(error) = store(objects, manifest, validation).await {
        let version = &manifest.version;
        tracing::warn!(plot = TRAINING, %version, error = &error as &dyn std::error::Error, "a plot is missing");
    }
}

async fn store(objects: &Objects, manifest: &Manifest, validation: Validation) -> Result<(), Missing> {
    let of = manifest.clone();
    let Drawing { svg, png } = spawn_blocking(move || training(&of, &validation)).await??;
    for (ending, bytes) in [("svg", svg.into_bytes()), ("png", png)] {
        let file = format!("{}/{TRAINING}.{ending}", Manifest::PLOTS);
        let key: Key = Manifest::object_key(&manifest.name, &manifest.version, &file).parse()?;
        match objects.put(&key, bytes.into(), PutMode::IfAbsent).await {
            Err(pappus_objects::Error::AlreadyExists { .. }) => {}
            other => other?,
        }
    }
    Ok(())
}
