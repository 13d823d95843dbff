//! The answers, with the reference system's field names.

use std::collections::BTreeMap;

use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Manifest, ModelVersion, Timestamp};
use serde::Serialize;

use crate::serving::Live;

/// `GET /`.
#[derive(Serialize)]
pub(crate) struct Welcome {
    pub(crate) message: &'static str,
    pub(crate) version: &'static str,
    pub(crate) model_version: Option<ModelVersion>,
    pub(crate) model_loaded_at: Option<Timestamp>,
    pub(crate) available_classes: Vec<Label>,
    pub(crate) docs: &'static str,
    pub(crate) health: &'static str,
}

/// `POST /predict`.
#[derive(Serialize)]
pub(crate) struct Predicted {
    pub(crate) request_id: PredictionId,
    pub(crate) predicted_class: Label,
    pub(crate) confidence: f32,
    pub(crate) all_probabilities: BTreeMap<Label, f32>,
    pub(crate) model_version: ModelVersion,
    pub(crate) prediction_time_ms: f64,
    pub(crate) timestamp: Timestamp,
}

/// `POST /predict/batch`.
#[derive(Serialize)]
pub(crate) struct Batch {
    pub(crate) batch_id: String,
    pub(crate) model_version: ModelVersion,
    pub(crate) timestamp: Timestamp,
    pub(crate) results: Vec<BatchItem>,
}

/// One image of a batch.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum BatchItem {
    Answered {
        filename: String,
        request_id: PredictionId,
        predicted_class: Label,
        confidence: f32,
        all_probabilities: BTreeMap<Label, f32>,
    },
    Refused {
        filename: String,
        error: String,
    },
}

/// `GET /model/info`.
#[derive(Serialize)]
pub(crate) struct ModelInfo {
    pub(crate) model_name: String,
    pub(crate) model_version: ModelVersion,
    pub(crate) model_loaded_at: Timestamp,
    pub(crate) classes: Vec<Label>,
    pub(crate) num_classes: usize,
    pub(crate) model_path: String,
    pub(crate) image_size: [u32; 2],
    pub(crate) recipe: &'static str,
    pub(crate) data_set: String,
    pub(crate) test_accuracy: f64,
    pub(crate) test_accuracy_interval: [f64; 2],
}

impl ModelInfo {
    pub(crate) fn of(live: &Live) -> Self {
        let Manifest { name, version, classes, preprocessing, training, .. } = &**live.classifier.manifest();
        Self {
            model_name: name.to_string(),
            model_version: version.clone(),
            model_loaded_at: live.loaded_at,
            num_classes: classes.len(),
            classes: classes.clone(),
            model_path: Manifest::object_key(name, version, Manifest::MODEL),
            image_size: [preprocessing.width, preprocessing.height],
            recipe: training.recipe.as_str(),
            data_set: training.data_set.to_string(),
            test_accuracy: training.test.value,
            test_accuracy_interval: [training.test.low, training.test.high],
        }
    }
}

/// `POST /model/reload`.
#[derive(Serialize)]
pub(crate) struct Reloaded {
    pub(crate) message: String,
    pub(crate) model_version: ModelVersion,
    pub(crate) timestamp: Timestamp,
}
