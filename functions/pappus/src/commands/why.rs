//! `pappus why`: a prediction, back to the images it was learned from.

use pappus_domain::prediction::PredictionId;
use pappus_domain::{DataSet, DataSetEntry, Manifest, Prediction, Split};
use pappus_host::{Context, Failure};
use pappus_objects::Key;
use serde_json::json;

use super::plots::Folders;
use crate::output::{Output, interval, percent};
use crate::trouble::Trouble;

/// Training images of the predicted class that are shown.
const SHOWN: usize = 5;
/// The most bytes of a data set's list.
const MAX_DATA_SET_BYTES: u64 = 1 << 30;

pub(crate) async fn run(context: &Context, id: PredictionId, output: Output) -> Result<(), Trouble> {
    let none = || Trouble::Found(format!("there is no prediction {id} in the log"));
    let prediction = context.catalog.prediction(&id).await?.ok_or_else(none)?;
    let gone = || Trouble::Found(format!("version {} is not in the catalog any more", prediction.version));
    let truth = context.catalog.feedback(&id).await?.map(|feedback| feedback.label);
    let manifest = context.catalog.model(&prediction.model, &prediction.version).await?.ok_or_else(gone)?;
    let evaluation = context.catalog.evaluation(&prediction.model, &prediction.version).await?;
    let plots = Folders::new(&prediction.model, &prediction.version, evaluation.as_ref());
    let data_set = data_set(context, &manifest).await?;
    let learned_from: Vec<&DataSetEntry> =
        data_set.side(Split::Train).filter(|entry| entry.label == prediction.class).collect();
    let mut shown = Vec::new();
    for entry in learned_from.iter().take(SHOWN) {
        shown.push((entry.image, context.catalog.image(&entry.image).await?.map(|image| image.origin)));
    }
    let seen = data_set.entries().iter().find(|entry| entry.image == prediction.image);
    let value = json!({
        "prediction": prediction, "true_label": truth, "model": manifest, "training_images": learned_from.len(),
        "examples": shown.iter().map(|(image, origin)| json!({ "image": image, "origin": origin })).collect::<Vec<_>>(),
        "image_in_data_set": seen, "plots": plots,
    });
    output.print(&value, || {
        let origins = shown.iter().map(|(image, origin)| {
            format!("    {} {}", image.short(12), origin.as_deref().unwrap_or("(not in the catalog any more)"))
        });
        let places = plots.places(&context.settings);
        let mut lines = story(&prediction, &manifest, &places, learned_from.len(), seen);
        if let Some(truth) = &truth {
            lines.insert(3, format!("  truth     {truth}"));
        }
        lines.extend(origins);
        lines.join("\n")
    })
}

async fn data_set(context: &Context, manifest: &Manifest) -> Result<DataSet, Trouble> {
    let key: Key = DataSet::object_key(&manifest.training.data_set).parse().map_err(Failure::from_error)?;
    let text = context.objects.get(&key, MAX_DATA_SET_BYTES).await?;
    Ok(DataSet::from_text(&String::from_utf8_lossy(&text)).map_err(Failure::from_error)?)
}

fn story(
    prediction: &Prediction,
    manifest: &Manifest,
    plots: &[String],
    count: usize,
    seen: Option<&DataSetEntry>,
) -> Vec<String> {
    let training = &manifest.training;
    let mut answers: Vec<_> = prediction.probabilities.iter().collect();
    answers.sort_by(|a, b| b.1.total_cmp(a.1));
    let answers: Vec<String> =
        answers.iter().map(|(class, p)| format!("{class} {}", percent(f64::from(**p)))).collect();
    let backbone = training.backbone.as_ref().map(|backbone| format!(" on {}", backbone.file)).unwrap_or_default();
    let known = match seen {
        None => "is in none of its images".into(),
        Some(entry) => format!("is one of its {} images, as `{}`", entry.split.as_str(), entry.label),
    };
    vec![
        format!(
            "prediction {} at {:.0}, {:.1} ms",
            prediction.id,
            prediction.at,
            prediction.latency_us as f64 / 1000.0
        ),
        format!("  image     {}", prediction.image),
        format!("  answer    {}", answers.join(", ")),
        format!("model {} version {}", manifest.name, manifest.version),
        format!("  recipe    {}{backbone}, seed {}", training.recipe.as_str(), training.seed),
        format!("  test      {}", interval(&training.test)),
        format!("  run       {}", training.run),
        format!("  plots     {}", plots.join("\n            ")),
        format!("data set {}", training.data_set),
        format!("  the image {known}"),
        format!("  {count} training images of `{}`, the first:", prediction.class),
    ]
}
