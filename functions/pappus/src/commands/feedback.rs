//! `pappus feedback`: what an image that was classified truly shows.

use pappus_domain::Feedback;
use pappus_domain::event::FeedbackGiven;
use pappus_host::Context;
use pappus_ingest::Summary;
use serde_json::json;

use crate::cli;
use crate::output::Output;
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, options: cli::Feedback, output: Output) -> Result<(), Trouble> {
    let given = pappus_predict::tell(context, &options.prediction, options.label).await?;
    let taken = pappus_ingest::take_feedback(context, &given).await?;
    let FeedbackGiven { feedback, .. } = &given;
    let value = json!({ "feedback": feedback, "is_right": feedback.is_right(), "image": taken });
    output.print(&value, || format!("{}\n  {}", describe(feedback), image(taken.as_ref())))
}

fn describe(feedback: &Feedback) -> String {
    let Feedback { prediction, model, version, class, label, .. } = feedback;
    let answered = if feedback.is_right() { "was right".into() } else { format!("answered {class}") };
    format!("prediction {prediction} is of {label}: version {version} of {model} {answered}")
}

fn image(taken: Option<&Summary>) -> &'static str {
    match taken {
        None => "its bytes were not kept (PAPPUS_KEEP_IMAGES): it counts for the accuracy only",
        Some(Summary { stored: 1.., .. }) => "the image is a labelled one now",
        Some(Summary { relabelled: 1.., .. }) => "the image goes by this label now",
        Some(Summary { quarantined: 1.., .. }) => "the image cannot be learned from",
        Some(Summary { conflicts: 1.., .. }) => "the image is known under another label, which it keeps",
        Some(_) => "the image was known already",
    }
}
