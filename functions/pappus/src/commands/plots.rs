//! `pappus plots`, and where the other commands say that plots are.

use pappus_domain::verdict::Evaluation;
use pappus_domain::{Manifest, ModelName, ModelVersion};
use pappus_host::{Context, Failure, Settings};
use pappus_objects::{Key, place};
use pappus_plots::{EvaluationPlot, TRAINING};
use serde::Serialize;
use serde_json::json;

use crate::cli;
use crate::output::{Output, table};
use crate::session::version;
use crate::shell::program;
use crate::trouble::Trouble;

/// The formats of every plot.
const ENDINGS: [&str; 2] = ["svg", "png"];
/// The most bytes of a plot.
const MAX_PLOT_BYTES: u64 = 64 << 20;

pub(crate) async fn run(context: &Context, options: cli::Plots, output: Output) -> Result<(), Trouble> {
    let version = version(context, &options.version).await?;
    let evaluation = context.catalog.evaluation(&context.settings.model, &version).await?;
    let folder = options.out.unwrap_or_else(|| format!("plots-{version}").into());
    let (mut written, mut missing) = (Vec::new(), Vec::new());
    for plot in wanted(context, &version, evaluation.as_ref())? {
        match context.objects.get(&plot.key, MAX_PLOT_BYTES).await {
            Ok(bytes) => {
                std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
                let file = folder.join(&plot.file);
                std::fs::write(&file, bytes).map_err(|error| unwritable(&file, &error))?;
                written.push((plot, file));
            }
            Err(pappus_objects::Error::NotFound { .. }) => missing.push(plot),
            Err(error) => return Err(error.into()),
        }
    }
    let hint = hint(&version, evaluation.is_some(), &missing);
    if written.is_empty() {
        return Err(Trouble::Found(format!(
            "version {version} has no plots{}",
            hint.map_or_else(String::new, |hint| format!(": {hint}"))
        )));
    }
    let names = |plots: &[Wanted]| plots.iter().map(|plot| plot.file.clone()).collect::<Vec<_>>();
    let files: Vec<_> = written.iter().map(|(plot, file)| json!({ "file": file, "key": plot.key.as_str() })).collect();
    output.print(&json!({ "version": version, "plots": files, "missing": names(&missing) }), || {
        let rows = written.iter().map(|(plot, file)| [file.display().to_string(), plot.shows.into()]);
        let mut lines = vec![table(["file", "shows"], rows)];
        lines.extend(hint);
        lines.join("\n")
    })
}

/// A plot that there should be.
struct Wanted {
    key: Key,
    file: String,
    shows: &'static str,
}

fn wanted(context: &Context, version: &ModelVersion, evaluation: Option<&Evaluation>) -> Result<Vec<Wanted>, Trouble> {
    let mut plots = Vec::new();
    let mut push = |prefix: String, name: &str, shows| -> Result<(), Trouble> {
        for ending in ENDINGS {
            let file = format!("{name}.{ending}");
            let key = format!("{prefix}{file}").parse().map_err(Failure::from_error)?;
            plots.push(Wanted { key, file, shows });
        }
        Ok(())
    };
    let folders = Folders::new(&context.settings.model, version, evaluation);
    push(folders.training, TRAINING, "accuracy and loss in cross-validation, by strength of the penalty")?;
    if let Some(folder) = folders.evaluation {
        EvaluationPlot::ALL.into_iter().try_for_each(|plot| push(folder.clone(), plot.name(), shows(plot)))?;
    }
    Ok(plots)
}

const fn shows(plot: EvaluationPlot) -> &'static str {
    match plot {
        EvaluationPlot::Confusion => "which classes are taken for which",
        EvaluationPlot::Classes => "precision, recall and F1 of each class, with intervals",
        EvaluationPlot::Reliability => "how often answers of each certainty are right",
        EvaluationPlot::Roc => "how well each class is told from the others",
        EvaluationPlot::Mistakes => "the surest mistakes",
    }
}

/// What can be done about plots that are not there.
fn hint(version: &ModelVersion, is_evaluated: bool, missing: &[Wanted]) -> Option<String> {
    let program = program();
    if !is_evaluated {
        return Some(format!("not evaluated yet: {program} evaluate {version} draws more"));
    }
    if missing.is_empty() {
        return None;
    }
    let files: Vec<&str> = missing.iter().map(|plot| plot.file.as_str()).collect();
    Some(format!("missing: {}; {program} evaluate {version} draws those of the evaluation anew", files.join(", ")))
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Trouble {
    Trouble::Found(format!("{} cannot be written: {error}", path.display()))
}

/// How the keys of a version's plots begin.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Folders {
    /// Of the plot of its training.
    pub(crate) training: String,
    /// Of those of its last evaluation.
    pub(crate) evaluation: Option<String>,
}

impl Folders {
    pub(crate) fn new(model: &ModelName, version: &ModelVersion, evaluation: Option<&Evaluation>) -> Self {
        let file = format!("{}/", Manifest::PLOTS);
        Self {
            training: Manifest::object_key(model, version, &file),
            evaluation: evaluation.map(|evaluation| evaluation.object_key("")),
        }
    }

    /// Where they are, for people.
    pub(crate) fn places(&self, settings: &Settings) -> Vec<String> {
        let folders = std::iter::once(&self.training).chain(&self.evaluation);
        folders.map(|folder| place(&settings.objects, folder)).collect()
    }
}

/// Where the plots of an evaluation are, and which of them are not there, as far as that can be found out.
pub(crate) async fn line(context: &Context, evaluation: &Evaluation) -> String {
    let folder = evaluation.object_key("");
    let place = place(&context.settings.objects, &folder);
    let Ok(there) = context.objects.list(&folder, None, 100).await else { return format!("plots: {place}") };
    let files = EvaluationPlot::ALL.into_iter().flat_map(|plot| ENDINGS.map(|end| format!("{}.{end}", plot.name())));
    let is_there = |file: &String| there.iter().any(|meta| meta.key.as_str().strip_prefix(&folder) == Some(file));
    let missing: Vec<String> = files.filter(|file| !is_there(file)).collect();
    let lack = if missing.is_empty() { String::new() } else { format!(", but for {}", missing.join(", ")) };
    format!("plots: {place}{lack}")
}
