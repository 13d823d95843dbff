//! Made-up models, and readers of what is drawn.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use pappus_domain::image::Label;
use pappus_domain::stats::{Answer, Mistake, Report};
use pappus_domain::validation::{Validation, ValidationCurve, ValidationPoint};
use pappus_domain::verdict::{Evaluation, GatePolicy};
use pappus_domain::{Digest, Manifest, ModelVersion, Timestamp, Verdict};
use pappus_plots::{Drawing, EvaluationPlot, Findings, Thumbnail, Tile};
use roxmltree::Document;
use serde_json::json;

pub fn classes(names: &[&str]) -> Vec<Label> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// `class 1`, `class 2` and so on.
pub fn numbered(count: usize) -> Vec<Label> {
    (1..=count).map(|class| format!("class {class}").parse().unwrap()).collect()
}

/// Answers about so many images `each` of every class, with all shades of certainty. The greater `skill`, the better: 0
/// makes mistakes, 2 makes none.
pub fn answers(classes: usize, each: usize, skill: usize) -> Vec<Answer> {
    let answer = |truth: usize, image: usize| {
        let mixed = (truth * 7919 + image * 104_729) % 101;
        let sure = 0.5 + 0.49 * mixed as f32 / 101.0;
        let is_right = skill >= 2 || !(mixed + 40 * skill).is_multiple_of(3);
        let class = if is_right { truth } else { (truth + 1) % classes };
        let mut probabilities = vec![(1.0 - sure) / (classes - 1) as f32; classes];
        probabilities[class] = sure;
        Answer { truth, probabilities }
    };
    (0..classes).flat_map(|truth| (0..each).map(move |image| answer(truth, image))).collect()
}

pub fn without_images_of_the_last(classes: usize, each: usize) -> Vec<Answer> {
    answers(classes, each, 0).into_iter().filter(|answer| answer.truth + 1 < classes).collect()
}

pub fn evaluation(classes: &[Label], answers: &[Answer]) -> Evaluation {
    let report = Report::new(classes, answers).unwrap();
    Evaluation {
        model: "leaf".parse().unwrap(),
        version: ModelVersion::from_digest(&Digest::of(b"version")),
        data_set: Digest::of(b"data"),
        champion: None,
        verdict: Verdict::judge(&GatePolicy::default(), &report, None),
        report,
        champion_report: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

/// Every plot of an evaluation by its name.
pub fn every_plot(evaluation: &Evaluation, answers: &[Answer]) -> Vec<(&'static str, Drawing)> {
    let tile = |mistake: Mistake| {
        let thumbnail = tiles(mistake.answer % 2 + 1).pop().and_then(|tile| tile.thumbnail);
        Tile { mistake, image: Digest::of(&mistake.answer.to_le_bytes()), thumbnail }
    };
    let tiles: Vec<Tile> = Mistake::surest(answers, 12).into_iter().map(tile).collect();
    let findings = Findings { evaluation: evaluation.clone(), answers: answers.into(), tiles };
    EvaluationPlot::ALL.map(|plot| (plot.name(), plot.draw(&findings).unwrap())).into()
}

/// Mistakes about noise.
pub fn tiles(count: usize) -> Vec<Tile> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let side = Thumbnail::SIDE;
    let tile = |answer: usize| Tile {
        mistake: Mistake { answer, truth: 0, answered: 1, probability: 0.9 },
        image: Digest::of(&answer.to_le_bytes()),
        thumbnail: Thumbnail::new(side, side, (0..side * side * 3).map(|_| noise()).collect()),
    };
    (0..count).map(tile).collect()
}

/// A training that tried so many ways, and kept the second.
pub fn search(candidates: usize) -> (Manifest, Validation) {
    let point = |candidate: usize, lambda: f64, off: f64| ValidationPoint {
        lambda,
        accuracy: 0.9 - 0.01 * off,
        accuracy_deviation: 0.02,
        log_loss: 0.3 + 0.05 * off + if candidate == 1 { 0.0 } else { 0.01 },
        log_loss_deviation: 0.03,
    };
    let curve = |candidate: usize| ValidationCurve {
        candidate: format!("way {candidate}"),
        // As it comes out of a division.
        points: vec![
            point(candidate, 1e-4, 1.0),
            point(candidate, 0.001_000_000_000_000_000_2, 0.0),
            point(candidate, 1e-2, 2.0),
        ],
    };
    let manifest = json!({
        "schema": 1, "name": "leaf", "version": "0a1b2c3d4e5f", "classes": ["dandelion", "grass"], "files": {},
        "preprocessing": { "decode": "rgb8-exif/1", "resize": "stretch-bilinear/1", "width": 224, "height": 224 },
        "training": {
            "run": "01890a5d-ac96-774b-bcce-b302099a8057", "data_set": Digest::of(b"data"), "counts": {}, "recipe": "auto",
            "backbone": null, "seed": 0, "parameters": {},
            "cross_validation": { "folds": 5, "repeats": 4, "accuracy": 0.9, "deviation": 0.02 },
            "test": { "value": 0.9, "low": 0.8, "high": 0.95, "of": 66 }, "code": "0.1.0",
        },
        "created_at": "2026-01-01T00:00:00Z",
    });
    let curves = (0..candidates).map(curve).collect();
    let validation = Validation { folds: 5, repeats: 4, images: 254, curves, kept: 1 };
    (serde_json::from_value(manifest).unwrap(), validation)
}

/// The SVG, which must be well-formed.
pub fn svg(drawing: &Drawing) -> Document<'_> {
    Document::parse(&drawing.svg).unwrap()
}

/// The texts of the SVG.
pub fn texts(drawing: &Drawing) -> Vec<String> {
    let document = svg(drawing);
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    nodes.map(|node| node.text().unwrap().trim().to_owned()).collect()
}

/// The PNG, which must be one.
pub fn png(drawing: &Drawing) -> RgbImage {
    image::load_from_memory_with_format(&drawing.png, image::ImageFormat::Png).unwrap().into_rgb8()
}

/// The picture in a link that is the picture itself.
pub fn embedded(href: &str) -> RgbImage {
    let jpeg = STANDARD.decode(href.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
    image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).unwrap().into_rgb8()
}
