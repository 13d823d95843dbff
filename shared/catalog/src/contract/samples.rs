//! Things to record. Each is made from a number, so that two numbers make two things.

use std::collections::BTreeMap;
use std::str::FromStr;

use pappus_domain::data_set::ClassCount;
use pappus_domain::image::Label;
use pappus_domain::model::{BackboneFacts, CrossValidation, Preprocessing, Training};
use pappus_domain::prediction::PredictionId;
use pappus_domain::release::{Change, ReleaseAction};
use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::stats::{Answer, Proportion, Report};
use pappus_domain::trigger::{Cause, Decision, DecisionId, DecisionRecord, Facts, MeanConfidence, Reason};
use pappus_domain::verdict::{Evaluation, Gate, Verdict};
use pappus_domain::{
    Digest, Feedback, Image, ImageFormat, ImageStatus, Manifest, ModelVersion, PerceptualHash, Prediction, Run, RunId,
    RunStatus, Timestamp,
};
use uuid::Uuid;

/// A name of any kind.
pub fn name<T: FromStr>(text: &str) -> T {
    text.parse().ok().expect("the suite's names are names")
}

/// A moment, `seconds` after some other. Catalogs keep milliseconds.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_123 + 1000 * seconds).expect("a moment of this century")
}

/// A digest.
pub fn digest(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

/// A version of a model.
pub fn version(number: u64) -> ModelVersion {
    ModelVersion::from_digest(&digest(number))
}

/// A UUID, later ones for greater numbers.
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128((7 << 76) | (2 << 62) | (u128::from(number) << 80))
}

/// A stored image.
pub fn image(number: u64, label: Option<&str>) -> Image {
    let status = ImageStatus::Stored {
        format: ImageFormat::ALL[number as usize % 5],
        width: 640,
        height: u32::MAX,
        // Also those with the highest bit set, which some databases take for a sign.
        perceptual: PerceptualHash(u64::MAX - number),
    };
    let origin = format!("photos/it's \"{number}\"; -- ü.jpg");
    Image { id: digest(number), status, label: label.map(name), origin, bytes: 10_000, recorded_at: time(0) }
}

/// An image that was refused.
pub fn quarantined(number: u64, label: Option<&str>) -> Image {
    let status = ImageStatus::Quarantined { reason: "not an image".into() };
    Image { status, ..image(number, label) }
}

/// A run that was asked for `number` seconds after some moment.
pub fn run(number: u64, model: &str) -> Run {
    let request = TrainingRequest {
        run: RunId(uuid(number)),
        model: name(model),
        recipe: Recipe::Transfer,
        backbone: Some("networks/mobilenet.onnx".into()),
        normalisation: Some("imagenet".into()),
        seed: u64::MAX,
        budget_seconds: Some(30),
        reason: "operator".into(),
    };
    let at = time(number.cast_signed());
    Run { request, data_set: None, status: RunStatus::Requested, requested_at: at, updated_at: at }
}

/// A version of a model, made `number` seconds after some moment.
pub fn manifest(number: u64, model: &str) -> Manifest {
    let [cat, dog]: [Label; 2] = [name("cat"), name("dog")];
    let training = Training {
        run: RunId(uuid(number)),
        data_set: digest(number),
        counts: BTreeMap::from([(cat.clone(), ClassCount { train: 8, test: 2 })]),
        recipe: Recipe::Scratch,
        backbone: Some(BackboneFacts { file: "mobilenet.onnx".into(), digest: digest(0) }),
        seed: 7,
        parameters: BTreeMap::from([("l2".into(), "0.1".into())]),
        cross_validation: CrossValidation { folds: 5, repeats: 3, accuracy: 0.1 + 0.2, deviation: 1.0 / 3.0 },
        test: Proportion::new(1, 3),
        code: "0.1.0".into(),
    };
    Manifest {
        schema: Manifest::SCHEMA,
        name: name(model),
        version: version(number),
        classes: vec![cat, dog],
        preprocessing: Preprocessing { decode: "rgb8/1".into(), resize: "stretch/1".into(), width: 96, height: 96 },
        files: BTreeMap::from([(Manifest::MODEL.into(), digest(number))]),
        training,
        created_at: time(number.cast_signed()),
    }
}

/// An evaluation of version `number` on data set `data_set`, `seconds` after some moment.
pub fn evaluation(number: u64, model: &str, data_set: u64, seconds: i64) -> Evaluation {
    let answers =
        [Answer { truth: 0, probabilities: vec![0.7, 0.3] }, Answer { truth: 1, probabilities: vec![0.9, 0.1] }];
    let report = Report::new(&[name("cat"), name("dog")], &answers).expect("the figures of two answers");
    let gate = Gate { name: "better-than-guessing".into(), passed: false, figures: "1 of 2".into() };
    Evaluation {
        model: name(model),
        version: version(number),
        data_set: digest(data_set),
        champion: None,
        report,
        champion_report: None,
        verdict: Verdict { passed: false, gates: vec![gate] },
        at: time(seconds),
    }
}

/// A change of a release.
pub fn change(action: ReleaseAction, seconds: i64) -> Change {
    Change { action, actor: "operator".into(), reason: "because".into(), at: time(seconds) }
}

/// A prediction, made `seconds` after some moment.
pub fn prediction(number: u64, seconds: i64) -> Prediction {
    Prediction {
        id: PredictionId(uuid(number)),
        model: name("pets"),
        version: version(1),
        image: digest(number),
        class: name("cat"),
        probabilities: BTreeMap::from([(name("cat"), 0.7), (name("dog"), 0.3)]),
        latency_us: 1234,
        source: "http".into(),
        at: time(seconds),
    }
}

/// A decision to train, made `seconds` after some moment.
pub fn decision(number: u64, model: &str, seconds: i64) -> DecisionRecord {
    let facts = Facts {
        at: time(seconds),
        labelled_images: number,
        used_images: Some(1),
        live_accuracy: Some(Proportion::new(1, 3)),
        confidence: Some(MeanConfidence { mean: 0.1 + 0.2, of: 300 }),
        drift: None,
        last_request: Some(time(0)),
        requests_last_day: 1,
        has_champion: true,
    };
    let reasons = vec![Reason::NewImages { count: number, wanted: 1 }];
    DecisionRecord {
        id: DecisionId(uuid(number)),
        model: name(model),
        at: time(seconds),
        cause: Cause::Alert { name: "it's \"slow\"".into() },
        facts,
        decision: Decision { reasons, hindrance: None, summary: "some figures".into() },
        run: Some(RunId(uuid(number))),
    }
}

/// The true label of a prediction that was made `seconds` after some moment, and said to be a cat.
pub fn feedback(number: u64, label: &str, seconds: i64) -> Feedback {
    Feedback {
        prediction: PredictionId(uuid(number)),
        model: name("pets"),
        version: version(1),
        image: digest(number),
        class: name("cat"),
        label: name(label),
        predicted_at: time(seconds),
        at: time(seconds + 1),
    }
}
