//! Draws every plot of made-up models of several sizes into a folder, to be looked at:
//! `cargo run -p pappus-plots --example samples -- DIR`.
#![allow(clippy::unwrap_used)] // made-up figures, for developers

use std::path::Path;

use pappus_domain::image::Label;
use pappus_domain::stats::{Answer, Mistake, Report};
use pappus_domain::validation::{Validation, ValidationCurve, ValidationPoint};
use pappus_domain::verdict::{Evaluation, GatePolicy};
use pappus_domain::{Digest, Manifest, ModelVersion, Timestamp, Verdict};
use pappus_plots::{Drawing, EvaluationPlot, Findings, MISTAKES, Thumbnail, Tile};

fn main() {
    let dir = std::env::args_os().nth(1).unwrap();
    let dir = Path::new(&dir);
    std::fs::create_dir_all(dir).unwrap();
    let seven = ["dandelion", "grass", "white clover", "thistle", "moss", "fern", "oxeye daisy (Leucanthemum vulgare)"];
    let seven = labels(seven.iter().map(ToString::to_string));
    let many = |count: usize| {
        labels((1..=count).map(|class| format!("species {class}{}", ["", " alba", " var. montana"][class % 3])))
    };
    let odd = [
        "蒲公英",
        "Lo\u{308}wenzahn <&> \"x\"",
        "одуванчик",
        "🌼 daisy",
        "a",
        "Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
    ];
    let odd = labels(odd.iter().map(|name| name.chars().take(64).collect()));
    for (name, classes, each, skill, absent) in [
        ("2", &seven[..2], 33, 0.93, 0),
        ("7", &seven[..], 40, 0.85, 0),
        ("40", &many(40), 25, 0.8, 2),
        ("120", &many(120), 12, 0.75, 0),
        ("odd", &odd, 9, 0.7, 1),
    ] {
        let answers = answers(classes.len(), each, skill, absent);
        let evaluation = evaluation(classes, &answers);
        let tiles = Mistake::surest(&answers, MISTAKES).into_iter().map(tile).collect();
        let findings = Findings { evaluation, answers, tiles };
        for plot in EvaluationPlot::ALL {
            write(dir, name, plot.name(), &plot.draw(&findings).unwrap());
        }
    }
    for candidates in [1, 4, 16] {
        let (manifest, validation) = search(candidates);
        write(dir, &candidates.to_string(), "training", &pappus_plots::training(&manifest, &validation).unwrap());
    }
}

/// The search of a training that tried so many ways.
fn search(candidates: usize) -> (Manifest, Validation) {
    let curve = |candidate: usize| {
        let lambdas: &[f64] =
            if candidate == 0 { &[1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1] } else { &[1e-5, 3e-5, 1e-4, 3e-4, 1e-3] };
        let point = |(step, lambda): (usize, &f64)| {
            let off = (step as f64 - 2.2).powi(2);
            ValidationPoint {
                lambda: *lambda,
                accuracy: 0.968 - 0.006 * off - 0.01 * candidate as f64,
                accuracy_deviation: 0.021,
                log_loss: 0.11 + 0.013 * off + 0.02 * candidate as f64,
                log_loss_deviation: 0.03,
            }
        };
        let candidate = match candidate {
            0 => "scratch".into(),
            other => format!("transfer {0}×{0} mean and maximum, again at 128×128", 160 + 32 * other),
        };
        ValidationCurve { candidate, points: lambdas.iter().enumerate().map(point).collect() }
    };
    let curves = (0..candidates).map(curve).collect();
    let manifest = serde_json::json!({
        "schema": 1, "name": "classifier", "version": "af2bdbe1aa9b", "classes": ["dandelion", "grass"], "files": {},
        "preprocessing": { "decode": "rgb8-exif/1", "resize": "stretch-bilinear/1", "width": 224, "height": 224 },
        "training": {
            "run": "01890a5d-ac96-774b-bcce-b302099a8057", "data_set": Digest::of(b"data"), "counts": {}, "recipe": "transfer",
            "backbone": null, "seed": 0, "parameters": {},
            "cross_validation": { "folds": 5, "repeats": 4, "accuracy": 0.97, "deviation": 0.02 },
            "test": { "value": 0.9, "low": 0.8, "high": 0.95, "of": 66 }, "code": "0.1.0",
        },
        "created_at": "2026-01-01T00:00:00Z",
    });
    let validation =
        Validation { folds: 5, repeats: 4, images: 254, curves, kept: candidates.saturating_sub(1).min(1) };
    (serde_json::from_value(manifest).unwrap(), validation)
}

/// A mistake with a picture: a disc on a gradient.
fn tile(mistake: Mistake) -> Tile {
    let shape = [(400, 300), (300, 500), (256, 256)][mistake.answer % 3];
    let (width, height) = Thumbnail::size(shape.0, shape.1);
    let pixel = |at: u32| {
        let (x, y) = (at % width, at / width);
        let (dx, dy) = (x.abs_diff(width / 2), y.abs_diff(height / 2));
        let is_disc = dx * dx + dy * dy < 60 * 60;
        if is_disc { [230, 200, 40] } else { [(x / 2) as u8, 120 + (y / 4) as u8, 60] }
    };
    let thumbnail = Thumbnail::new(width, height, (0..width * height).flat_map(pixel).collect());
    let image = Digest::of(&mistake.answer.to_le_bytes());
    Tile { mistake, image, thumbnail: thumbnail.filter(|_| !mistake.answer.is_multiple_of(7)) }
}

fn labels(names: impl Iterator<Item = String>) -> Vec<Label> {
    names.map(|name| name.parse().unwrap()).collect()
}

fn write(dir: &Path, name: &str, plot: &str, drawing: &Drawing) {
    std::fs::write(dir.join(format!("{plot}-{name}.svg")), &drawing.svg).unwrap();
    std::fs::write(dir.join(format!("{plot}-{name}.png")), &drawing.png).unwrap();
}

/// Answers of a model that tells classes apart so well: the last `absent` classes have no images.
fn answers(classes: usize, each: usize, skill: f32, absent: usize) -> Vec<Answer> {
    let mut state = 1_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let mut answers = Vec::new();
    for truth in 0..classes - absent {
        for _ in 0..each {
            let mut scores: Vec<f32> = (0..classes).map(|_| 1.2 * draw()).collect();
            scores[truth] += 6.0 * skill * draw();
            scores[(truth + 1) % classes] += 1.5 * draw();
            let sum: f32 = scores.iter().map(|score| (2.0 * score).exp()).sum();
            answers
                .push(Answer { truth, probabilities: scores.iter().map(|score| (2.0 * score).exp() / sum).collect() });
        }
    }
    answers
}

fn evaluation(classes: &[Label], answers: &[Answer]) -> Evaluation {
    let report = Report::new(classes, answers).unwrap();
    Evaluation {
        model: "classifier".parse().unwrap(),
        version: ModelVersion::from_digest(&Digest::of(b"sample")),
        data_set: Digest::of(b"data"),
        champion: None,
        verdict: Verdict::judge(&GatePolicy::default(), &report, None),
        report,
        champion_report: None,
        at: Timestamp::UNIX_EPOCH,
    }
}
