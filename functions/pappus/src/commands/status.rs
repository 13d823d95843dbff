//! `pappus status`.

use std::time::Duration;

use pappus_catalog::TimeRange;
use pappus_domain::release::LedgerEntry;
use pappus_domain::stats::Proportion;
use pappus_domain::{Feedback, Lease, Prediction, Timestamp};
use pappus_host::{Context, Failure};
use pappus_tracking::Report;
use serde_json::json;

use super::decisions::decided;
use super::runs::outcome;
use crate::output::{Output, interval, percent};
use crate::trouble::Trouble;

/// Decisions that are shown.
const DECISIONS: usize = 3;
/// The most answers that an accuracy is of.
const ANSWERS: usize = 1000;
/// Predictions that are shown.
const SHOWN: usize = 3;
/// How far those of the last day are counted.
const COUNTED: u64 = 100_000;
const DAY: Duration = Duration::from_hours(24);

pub(crate) async fn run(context: &Context, output: Output) -> Result<(), Trouble> {
    let Context { catalog, settings, .. } = context;
    let images = catalog.image_counts().await?;
    let sources = catalog.source_counts().await?;
    let last_run = catalog.runs(&settings.model, 1).await?.pop();
    let release = catalog.release(&settings.model).await?;
    let ledger = catalog.ledger(&settings.model).await?;
    LedgerEntry::verify(&ledger).map_err(Failure::from_error)?;
    let lease = catalog.lease(&Lease::for_training(&settings.model)).await?;
    let training = lease.filter(|lease| !lease.is_expired(Timestamp::now()));
    let day = TimeRange { from: Timestamp::now().checked_sub(DAY).ok(), until: None };
    let predictions = catalog.count_predictions(&day, COUNTED).await?;
    let last = catalog.predictions(&TimeRange::default(), None, SHOWN).await?;
    let decisions = catalog.decisions(&settings.model, DECISIONS).await?;
    let live_accuracy = match &release {
        Some(release) => {
            let since = settings.policy.window(Timestamp::now());
            let told = catalog.feedback_since(&settings.model, &release.champion, since, ANSWERS).await?;
            Feedback::accuracy(&told)
        }
        None => None,
    };
    let told = context.tracking.report().await.map_err(Failure::from_error)?;
    let value = json!({
        "model": settings.model, "objects": settings.objects, "catalog": pappus_catalog::shown(&settings.catalog), "images": images,
        "sources": sources, "last_run": last_run, "training": training, "release": release,
        "ledger_entries": ledger.len(), "predictions_last_day": predictions, "last_predictions": last,
        "live_accuracy": live_accuracy, "last_decisions": decisions, "tracking": told,
    });
    output.print(&value, || {
        let labels: Vec<String> = images.labels.iter().map(|(label, count)| format!("{label} {count}")).collect();
        let sources: Vec<String> = sources.iter().map(|(status, count)| format!("{count} {status}")).collect();
        let champion = release.as_ref().map_or_else(
            || "nothing is released yet".into(),
            |release| format!("version {}, generation {}", release.champion, release.generation),
        );
        let run = last_run.map_or_else(
            || "none yet".into(),
            |run| format!("{} {} {}", run.request.run, run.status.as_str(), outcome(&run.status)),
        );
        let mut lines = vec![
            format!("model        {}", settings.model),
            format!("objects      {}", settings.objects),
            format!("catalog      {}", pappus_catalog::shown(&settings.catalog)),
            format!(
                "images       {} stored ({}), {} quarantined",
                images.stored,
                labels.join(", "),
                images.quarantined
            ),
            format!("sources      {}", if sources.is_empty() { "none".into() } else { sources.join(", ") }),
            format!("last run     {run}"),
            format!("training     {}", training.map_or_else(|| "none under way".into(), |lease| lease.holder)),
            format!("champion     {champion}"),
            format!("ledger       {} entries, unbroken", ledger.len()),
            format!("tracking     {}", tracking(&told)),
            format!(
                "predictions  {} in the last 24 hours{}",
                counted(predictions),
                if last.is_empty() { "" } else { "; the last:" }
            ),
        ];
        lines.extend(last.iter().map(describe));
        lines.push(format!("feedback     {}", feedback(live_accuracy.as_ref())));
        lines.push(format!("decisions    {}", if decisions.is_empty() { "none yet" } else { "the last:" }));
        lines.extend(decisions.iter().map(decided));
        lines.join("\n")
    })
}

fn feedback(live_accuracy: Option<&Proportion>) -> String {
    live_accuracy.map_or_else(
        || "none on the champion's answers of late; pappus feedback".into(),
        |accuracy| format!("the champion's answers of late: accuracy {}", interval(accuracy)),
    )
}

fn counted(predictions: u64) -> String {
    if predictions < COUNTED { predictions.to_string() } else { format!("{COUNTED} or more") }
}

/// How it stands with what MLflow is to be told.
pub(crate) fn tracking(report: &Report) -> String {
    let Report { server, waiting, oldest, tried_at, trouble, refused, last_refusal } = report;
    let mut lines = vec![match (server, waiting) {
        (None, 0) => "none".to_owned(),
        (Some(server), 0) => format!("{server}, all is told"),
        (server, waiting) => {
            let since = oldest.map(|oldest| format!(" since {oldest:.0}")).unwrap_or_default();
            let server = server.as_deref().unwrap_or("no server (PAPPUS_TRACKING)");
            format!("{server}, {waiting} to be told{since}; pappus track")
        }
    }];
    if let (Some(trouble), Some(at)) = (trouble, tried_at) {
        lines.push(format!("  {at:.0}  {trouble}"));
    }
    if let Some(last) = last_refusal {
        lines.push(format!("  {refused} refused, the last {:.0}: {}; pappus track --again", last.at, last.reason));
    }
    lines.join("\n")
}

fn describe(prediction: &Prediction) -> String {
    let Prediction { id, model, version, class, probabilities, at, .. } = prediction;
    let sure = probabilities.get(class).copied().unwrap_or_default();
    format!("  {at:.0}  {class} {} by {model} {version}; pappus why {id}", percent(f64::from(sure)))
}
