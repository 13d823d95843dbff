//! `pappus ingest`.

use std::path::Path;

use pappus_catalog::OnConflict;
use pappus_domain::image::Label;
use pappus_host::Context;
use pappus_ingest::{Fate, Ingest, LineFault, Listed, Manifest, Options, Outcome, Summary, count_files};
use serde::Serialize;

use crate::cli;
use crate::output::Output;
use crate::progress::bar;
use crate::session::unless_interrupted;
use crate::trouble::Trouble;

/// What became of everything that was given.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    manifest_faults: Vec<LineFault>,
}

/// Finds what does not go together.
pub(crate) fn check(options: &cli::Ingest) -> Result<(), Trouble> {
    match options.paths.iter().find(|path| Manifest::is_one(path)) {
        Some(manifest) if options.label.is_some() => Err(Trouble::Usage(format!(
            "--label is for folders and files: each line of {} names its class in the column `label`",
            manifest.display()
        ))),
        _ => Ok(()),
    }
}

pub(crate) async fn run(context: &Context, options: cli::Ingest, output: Output) -> Result<(), Trouble> {
    let on_conflict = if options.relabel { OnConflict::Relabel } else { OnConflict::Keep };
    let ingest = Ingest::new(context.clone(), Options { on_conflict, ..Options::default() });
    let mut report = Report::default();
    for path in &options.paths {
        let one = unless_interrupted(take(&ingest, path, options.label.clone(), output)).await?;
        report.summary.add(one.summary);
        report.manifest_faults.extend(one.manifest_faults);
    }
    output.print(&report, || describe(&report))?;
    let Summary { seen, quarantined, unreadable, .. } = report.summary;
    let bad = quarantined + unreadable;
    let is_faulty = bad > 0 || !report.manifest_faults.is_empty();
    if is_faulty && bad == seen {
        return Err(Trouble::Found("none of what was given is an image that can be used".into()));
    }
    Ok(())
}

/// Takes in one path, whatever it is.
pub(crate) async fn take(
    ingest: &Ingest,
    path: &Path,
    label: Option<Label>,
    output: Output,
) -> Result<Report, Trouble> {
    if Manifest::is_one(path) {
        let Listed { pending, known: mut summary, faults: manifest_faults } = ingest.read_manifest(path).await?;
        let fetching = bar(output, "fetching", pending);
        let shown = fetching.clone();
        let fetched = ingest.fetch_pending(move |done| shown.set_position(done)).await;
        fetching.finish_and_clear();
        summary.add(fetched?);
        return Ok(Report { summary, manifest_faults });
    }
    let ingesting = bar(output, "ingesting", count_files(path)?);
    let shown = ingesting.clone();
    let summary = ingest.path(path, label, move |done| shown.set_position(done)).await;
    ingesting.finish_and_clear();
    Ok(Report { summary: summary?, manifest_faults: Vec::new() })
}

pub(crate) fn describe(report: &Report) -> String {
    let Summary { seen, stored, duplicates, relabelled, conflicts, quarantined, unreadable, unlabelled, attention } =
        &report.summary;
    let mut lines =
        vec![format!("{seen} seen: {stored} stored, {duplicates} known already, {quarantined} quarantined")];
    let mut also = |count: u64, what: &str| {
        if count > 0 {
            lines.push(format!("  {count} {what}"));
        }
    };
    also(*relabelled, "relabelled");
    also(*conflicts, "known under another label, which they keep (--relabel lets the new one win)");
    also(*unreadable, "could not be read");
    also(*unlabelled, "without a label: put them in folders named by class, or give --label");
    also(report.manifest_faults.len() as u64, "lines of the manifest name no image");
    lines.extend(attention.iter().map(|Outcome { origin, fate, .. }| format!("  {origin}: {}", reason(fate))));
    lines.extend(report.manifest_faults.iter().map(|fault| format!("  line {}: {}", fault.line, fault.reason)));
    let hidden = (conflicts + quarantined + unreadable).saturating_sub(attention.len() as u64);
    if hidden > 0 {
        lines.push(format!("  and {hidden} more: `pappus images --quarantined` lists those that are images"));
    }
    lines.join("\n")
}

fn reason(fate: &Fate) -> String {
    match fate {
        Fate::Quarantined { reason } | Fate::Unreadable { reason } => reason.clone(),
        Fate::Conflict { kept } => format!("known as `{kept}` already"),
        Fate::Stored | Fate::Duplicate | Fate::Relabelled => String::new(),
    }
}
