//! `pappus predict`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pappus_domain::prediction::PredictionId;
use pappus_domain::{Digest, Prediction, Timestamp};
use pappus_host::{Context, Disposition, Failure};
use pappus_inference::{Classifier, ImageError, Limits, Package};
use serde::Serialize;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::cli;
use crate::output::{Output, percent};
use crate::session::version;
use crate::trouble::Trouble;

/// The answer to one file.
#[derive(Serialize)]
#[serde(untagged)]
enum Answered {
    Class {
        file: PathBuf,
        #[serde(flatten)]
        prediction: Prediction,
    },
    Refused {
        file: PathBuf,
        error: String,
    },
}

pub(crate) async fn run(context: &Context, options: cli::Predict, output: Output) -> Result<(), Trouble> {
    let classifier = classifier(context, options.model_version.as_deref()).await?;
    let mut answers = Vec::with_capacity(options.images.len());
    for file in options.images {
        answers.push(match one(&classifier, &file).await {
            Ok(prediction) => Answered::Class { file, prediction },
            Err(failure) => Answered::Refused { file, error: failure.to_string() },
        });
    }
    let made: Vec<Prediction> = answers.iter().filter_map(Answered::prediction).cloned().collect();
    context.catalog.log_predictions(&made).await?;
    output.print(&answers, || answers.iter().map(describe).collect::<Vec<_>>().join("\n"))?;
    let refused = answers.len() - made.len();
    if refused == 0 {
        Ok(())
    } else {
        Err(Trouble::Found(format!("{refused} of {} images have no answer", answers.len())))
    }
}

async fn classifier(context: &Context, prefix: Option<&str>) -> Result<Classifier, Trouble> {
    let model = &context.settings.model;
    let version = match prefix {
        Some(prefix) => version(context, prefix).await?,
        None => {
            let release = context.catalog.release(model).await?;
            let none =
                "nothing is released yet: `pappus promote VERSION` releases a version, or ask one with --version";
            release.ok_or_else(|| Trouble::Found(none.into()))?.champion
        }
    };
    let package = Package::read(&*context.objects, model, &version).await.map_err(Failure::from_error)?;
    let started = spawn_blocking(move || Classifier::start(package, 1)).await.map_err(Failure::from_error)?;
    Ok(started.map_err(Failure::from_error)?)
}

async fn one(classifier: &Classifier, path: &Path) -> Result<Prediction, Failure> {
    let limits = Limits::default();
    let size = std::fs::metadata(path).map_err(Failure::from_error)?.len();
    if size > limits.bytes {
        return Err(Failure::from_error(ImageError::TooManyBytes { bytes: size, limit: limits.bytes }));
    }
    let bytes = std::fs::read(path).map_err(Failure::from_error)?;
    let image = Digest::of(&bytes);
    let begun = Instant::now();
    let answer = classifier.classify(bytes.into(), limits).await.map_err(Failure::from_error)?;
    let no_class = || Failure::new(Disposition::Fault, "the model answered no class");
    let manifest = classifier.manifest();
    Ok(Prediction {
        id: PredictionId(Uuid::now_v7()),
        model: manifest.name.clone(),
        version: manifest.version.clone(),
        image,
        class: manifest.classes.get(answer.class).cloned().ok_or_else(no_class)?,
        probabilities: manifest.classes.iter().cloned().zip(answer.probabilities).collect(),
        latency_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        source: "cli".into(),
        at: Timestamp::now(),
    })
}

impl Answered {
    const fn prediction(&self) -> Option<&Prediction> {
        match self {
            Self::Class { prediction, .. } => Some(prediction),
            Self::Refused { .. } => None,
        }
    }
}

fn describe(answered: &Answered) -> String {
    match answered {
        Answered::Refused { file, error } => format!("{}: {error}", file.display()),
        Answered::Class { file, prediction } => {
            let sure = prediction.probabilities.get(&prediction.class).copied().unwrap_or_default();
            format!(
                "{}: {} ({}; version {}, prediction {})",
                file.display(),
                prediction.class,
                percent(f64::from(sure)),
                prediction.version,
                prediction.id
            )
        }
    }
}
