//! What rows of a table are, whatever database keeps them.

use std::collections::BTreeMap;

use pappus_domain::prediction::PredictionId;
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use pappus_domain::split::Placement;
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Feedback, Image, ImageStatus, Lease, Manifest, PerceptualHash, Prediction, Release, Run};

use crate::row::{Columns, Row};
use crate::write::ASIDE;
use crate::{DataSetRecord, Error, ImageCounts, Kind, Labelled, Record, Source, SourceStatus};

pub(crate) fn image(row: &impl Columns) -> Result<Image, Error> {
    let row = Row::of("images", row);
    let status = match row.text("status")? {
        "quarantined" => ImageStatus::Quarantined { reason: row.text("reason")?.into() },
        _ => ImageStatus::Stored {
            format: row.parse("format")?,
            width: row.pixels("width")?,
            height: row.pixels("height")?,
            perceptual: PerceptualHash(row.bits("perceptual")?),
        },
    };
    Ok(Image {
        id: row.digest("id")?,
        status,
        label: row.parse_optional("label")?,
        origin: row.text("origin")?.into(),
        bytes: row.bits("bytes")?,
        recorded_at: row.time("recorded_at")?,
    })
}

fn placement(row: &impl Columns) -> Result<Option<Placement>, Error> {
    let row = Row::of("images", row);
    let group = |digits| u64::from_str_radix(digits, 16).map_err(|source| row.corrupt(source));
    match row.text_optional("placement")? {
        None => Ok(None),
        Some(ASIDE) => Ok(Some(Placement::Aside)),
        Some(digits) => Ok(Some(Placement::Group(group(digits)?))),
    }
}

pub(crate) fn labelled(columns: &impl Columns) -> Result<Labelled, Error> {
    let row = Row::of("images", columns);
    Ok(Labelled {
        id: row.digest("id")?,
        label: row.parse("label")?,
        perceptual: PerceptualHash(row.bits("perceptual")?),
        placement: placement(columns)?,
    })
}

/// Counts of images, of rows that have a label, a status and how many there are of both.
pub(crate) fn image_counts(rows: &[impl Columns]) -> Result<ImageCounts, Error> {
    let mut counts = ImageCounts::default();
    for row in rows {
        let row = Row::of("images", row);
        let images = row.bits("images")?;
        if row.text("status")? == "quarantined" {
            counts.quarantined += images;
            continue;
        }
        counts.stored += images;
        if let Some(label) = row.parse_optional("label")? {
            counts.labels.insert(label, images);
        }
    }
    Ok(counts)
}

pub(crate) fn source(row: &impl Columns) -> Result<Source, Error> {
    let row = Row::of("sources", row);
    let status = match row.text("status")? {
        "stored" => SourceStatus::Stored { image: row.digest("image")? },
        "failed" => SourceStatus::Failed { reason: row.text("reason")?.into() },
        _ => SourceStatus::Pending,
    };
    Ok(Source { url: row.text("url")?.into(), label: row.parse("label")?, status })
}

/// Counts of sources, of rows that have a status and how many there are of it.
pub(crate) fn source_counts(rows: &[impl Columns]) -> Result<BTreeMap<String, u64>, Error> {
    let count = |row| {
        let row = Row::of("sources", row);
        Ok((row.text("status")?.into(), row.bits("sources")?))
    };
    rows.iter().map(|row| count(row)).collect()
}

pub(crate) fn data_set(row: &impl Columns) -> Result<DataSetRecord, Error> {
    let row = Row::of("data_sets", row);
    Ok(DataSetRecord {
        digest: row.digest("digest")?,
        labelled: row.bits("labelled")?,
        frozen_at: row.time("frozen_at")?,
    })
}

pub(crate) fn run(row: &impl Columns) -> Result<Run, Error> {
    let row = Row::of("runs", row);
    Ok(Run {
        request: row.json("request")?,
        data_set: row.digest_optional("data_set")?,
        status: row.json("status")?,
        requested_at: row.time("requested_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(crate) fn manifest(row: &impl Columns) -> Result<Manifest, Error> {
    Row::of("models", row).json("manifest")
}

pub(crate) fn evaluation(row: &impl Columns) -> Result<Evaluation, Error> {
    Row::of("evaluations", row).json("evaluation")
}

pub(crate) fn release(row: &impl Columns) -> Result<Release, Error> {
    let row = Row::of("releases", row);
    Ok(Release {
        model: row.parse("model")?,
        champion: row.parse("champion")?,
        previous: row.parse_optional("previous")?,
        generation: row.bits("generation")?,
    })
}

pub(crate) fn ledger_entry(row: &impl Columns) -> Result<LedgerEntry, Error> {
    let row = Row::of("ledger", row);
    let action = match row.text("action")? {
        "promote" => ReleaseAction::Promote,
        "rollback" => ReleaseAction::Rollback,
        other => return Err(row.corrupt(format!("`{other}` is no action of a release"))),
    };
    Ok(LedgerEntry {
        model: row.parse("model")?,
        generation: row.bits("generation")?,
        action,
        from: row.parse_optional("from")?,
        to: row.parse("to")?,
        actor: row.text("actor")?.into(),
        reason: row.text("reason")?.into(),
        at: row.time("at")?,
        before: row.digest("before")?,
        digest: row.digest("digest")?,
    })
}

pub(crate) fn prediction(row: &impl Columns) -> Result<Prediction, Error> {
    let row = Row::of("predictions", row);
    Ok(Prediction {
        id: PredictionId(row.uuid("id")?),
        model: row.parse("model")?,
        version: row.parse("version")?,
        image: row.digest("image")?,
        class: row.parse("class")?,
        probabilities: row.json("probabilities")?,
        latency_us: row.bits("latency_us")?,
        source: row.text("source")?.into(),
        at: row.time("at")?,
    })
}

pub(crate) fn decision(row: &impl Columns) -> Result<DecisionRecord, Error> {
    Row::of("decisions", row).json("decision")
}

pub(crate) fn feedback(row: &impl Columns) -> Result<Feedback, Error> {
    let row = Row::of("feedback", row);
    Ok(Feedback {
        prediction: PredictionId(row.uuid("prediction")?),
        model: row.parse("model")?,
        version: row.parse("version")?,
        image: row.digest("image")?,
        class: row.parse("class")?,
        label: row.parse("label")?,
        predicted_at: row.time("predicted_at")?,
        at: row.time("at")?,
    })
}

pub(crate) fn lease(row: &impl Columns) -> Result<Lease, Error> {
    let row = Row::of("leases", row);
    Ok(Lease {
        name: row.text("name")?.into(),
        holder: row.text("holder")?.into(),
        beat: row.bits("beat")?,
        expires_at: row.time("expires_at")?,
    })
}

pub(crate) fn record(kind: Kind, row: &impl Columns) -> Result<Record, Error> {
    Ok(match kind {
        Kind::Images => Record::Image { image: image(row)?, placement: placement(row)? },
        Kind::Sources => Record::Source(source(row)?),
        Kind::DataSets => Record::DataSet(data_set(row)?),
        Kind::Runs => Record::Run(run(row)?),
        Kind::Models => Record::Model(manifest(row)?),
        Kind::Evaluations => Record::Evaluation(evaluation(row)?),
        Kind::Releases => Record::Release(release(row)?),
        Kind::Ledger => Record::Ledger(ledger_entry(row)?),
        Kind::Predictions => Record::Prediction(prediction(row)?),
        Kind::Decisions => Record::Decision(decision(row)?),
        Kind::Feedback => Record::Feedback(feedback(row)?),
    })
}
