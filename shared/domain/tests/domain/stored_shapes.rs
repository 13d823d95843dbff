//! The JSON of what is stored or sent: names that must not change by accident.

use std::fmt::Debug;

use pappus_domain::{Image, Prediction, Release, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The JSON is read, and written again as the same.
fn is_the_shape_of<T: Serialize + DeserializeOwned + Debug>(json: Value) {
    let read: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), json);
}

const ID: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2024-05-01T12:00:00.123Z";

#[test]
fn images() {
    is_the_shape_of::<Image>(json!({
        "id": ID, "status": "stored", "format": "jpeg", "width": 640, "height": 480,
        "perceptual": 0x8000_0000_0000_0001_u64, "label": "dandelion", "origin": "photos/1.jpg", "bytes": 12345,
        "recorded_at": AT,
    }));
    is_the_shape_of::<Image>(json!({
        "id": ID, "status": "quarantined", "reason": "not an image", "label": null, "origin": "photos/2.jpg",
        "bytes": 0, "recorded_at": AT,
    }));
}

#[test]
fn runs() {
    let run = |status: Value| {
        let mut run = json!({
            "run": UUID, "model": "leaf", "recipe": "auto", "backbone": null, "normalisation": null,
            "seed": u64::MAX, "budget_seconds": 60, "reason": "operator", "data_set": ID,
            "requested_at": AT, "updated_at": AT,
        });
        run.as_object_mut().unwrap().append(status.clone().as_object_mut().unwrap());
        run
    };
    is_the_shape_of::<Run>(run(json!({ "status": "requested" })));
    is_the_shape_of::<Run>(run(json!({ "status": "running" })));
    is_the_shape_of::<Run>(run(json!({ "status": "succeeded", "version": "0a1b", "metrics": { "accuracy": 0.5 } })));
    is_the_shape_of::<Run>(run(json!({ "status": "failed", "message": "too few images" })));
}

#[test]
fn releases_and_predictions() {
    is_the_shape_of::<Release>(json!({ "model": "leaf", "champion": "b", "previous": "a", "generation": 2 }));
    is_the_shape_of::<Prediction>(json!({
        "id": UUID, "model": "leaf", "version": "b", "image": ID, "class": "grass",
        "probabilities": { "dandelion": 0.25, "grass": 0.75 }, "latency_us": 900, "source": "http", "at": AT,
    }));
}
