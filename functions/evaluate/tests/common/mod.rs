//! An evaluation over stores in a folder of its own, with tiny models and pictures of one colour each.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use image::{ImageFormat, Rgb, RgbImage};
use pappus_catalog::contract::samples;
use pappus_domain::model::Training;
use pappus_domain::release::ReleaseAction;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{DataSet, DataSetEntry, Digest, Image, ModelVersion, Release, Split, Timestamp};
use pappus_evaluate::Evaluate;
use pappus_host::{Bus, Context, Settings};
use pappus_inference::{Golden, PROBABILITIES, Package};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};
use pappus_objects::PutMode;
use pappus_tracking::News;
use tempfile::TempDir;

/// Whether there is ONNX Runtime; says so on the terminal where there is none.
pub fn has_runtime() -> bool {
    let has = std::env::var_os("ORT_DYLIB_PATH").is_some();
    if !has {
        let _ = writeln!(std::io::stderr(), "skipped: ORT_DYLIB_PATH does not name ONNX Runtime's library");
    }
    has
}

/// What a model calls the colours of a picture: its classes, and how much each is moved by red, green and blue.
pub type Sight<'a> = &'a [(&'a str, [f32; 3])];

/// A model that sees every colour as it is.
pub const GOOD: Sight = &[("blue", [0.0, 0.0, 9.0]), ("green", [0.0, 9.0, 0.0]), ("red", [9.0, 0.0, 0.0])];
/// A model that takes red for green and green for red.
pub const BAD: Sight = &[("blue", [0.0, 0.0, 9.0]), ("green", [9.0, 0.0, 0.0]), ("red", [0.0, 9.0, 0.0])];

const SIDE: u32 = 8;

fn network(sight: Sight) -> Vec<u8> {
    let mut graph = GraphBuilder::new("tiny", 13);
    let side = Dim::Size(SIDE.into());
    let image = graph.input("image", DataType::Uint8, &[Dim::Name("n"), side, side, Dim::Size(3)]);
    let numbers = graph.node("Cast", &[&image], vec![attribute::int("to", DataType::Float as i64)]);
    let pooling = vec![attribute::ints("axes", &[1, 2]), attribute::int("keepdims", 0)];
    let mean = graph.node("ReduceMean", &[&numbers], pooling);
    let weights: Vec<f32> = sight.iter().flat_map(|(_, by)| by.map(|weight| weight / 255.0)).collect();
    let classes = sight.len() as i64;
    let weights = graph.floats("weights", &[classes, 3], &weights);
    let logits = graph.node("Gemm", &[&mean, &weights], vec![attribute::int("transB", 1)]);
    let answer = graph.node_named("Softmax", &[&logits], PROBABILITIES, vec![attribute::int("axis", 1)]);
    graph.output(&answer, DataType::Float, &[Dim::Name("n"), Dim::Size(classes)]);
    graph.finish().into_bytes()
}

pub struct Place {
    pub context: Context,
    pub evaluate: Evaluate,
    _home: TempDir,
}

pub async fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    // A server to be told, where nobody listens.
    let variables = |name: &str| match name {
        "PAPPUS_MODEL" => Some("pets".to_owned()),
        "PAPPUS_TRACKING" => Some("http://127.0.0.1:1".to_owned()),
        _ => None,
    };
    let settings = Settings::read(variables, Some(home.path().into())).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    Place { evaluate: Evaluate::new(context.clone()), context, _home: home }
}

impl Place {
    pub async fn put(&self, key: &str, bytes: Vec<u8>) {
        self.context.objects.put(&key.parse().unwrap(), bytes.into(), PutMode::Overwrite).await.unwrap();
    }

    pub async fn object(&self, key: &str) -> Vec<u8> {
        self.context.objects.get(&key.parse().unwrap(), 1 << 30).await.unwrap().into()
    }

    /// A data set with so many test images of each colour, and one image to train with.
    pub async fn data_set(&self, each: u8) -> DataSet {
        let mut entries = Vec::new();
        for shade in 0..each {
            for (channel, label) in ["red", "green", "blue"].into_iter().enumerate() {
                let mut colour = [shade; 3];
                colour[channel] = 240;
                let mut bytes = Cursor::new(Vec::new());
                RgbImage::from_pixel(32, 32, Rgb(colour)).write_to(&mut bytes, ImageFormat::Png).unwrap();
                let bytes = bytes.into_inner();
                let image = Digest::of(&bytes);
                self.put(&Image::object_key(&image), bytes).await;
                entries.push(DataSetEntry { image, label: samples::name(label), split: Split::Test, group: 0 });
            }
        }
        let (image, label) = (samples::digest(0), samples::name("red"));
        entries.push(DataSetEntry { image, label, split: Split::Train, group: 1 });
        let data_set = DataSet::new(entries);
        self.put(&DataSet::object_key(&data_set.digest()), data_set.to_text().into()).await;
        data_set
    }

    /// A version that was trained on a data set.
    pub async fn version(&self, sight: Sight<'_>, data_set: &DataSet) -> ModelVersion {
        let training = Training { data_set: data_set.digest(), ..samples::manifest(1, "pets").training };
        let classes = sight.iter().map(|(class, _)| samples::name(class)).collect();
        let golden = Golden { tolerance: Golden::TOLERANCE, images: Vec::new() };
        let (name, size) = (samples::name("pets"), (SIDE, SIDE));
        let package = Package::new(name, classes, size, network(sight), golden, training, Timestamp::now()).unwrap();
        package.write(&*self.context.objects).await.unwrap();
        self.context.catalog.record_model(&package.manifest).await.unwrap();
        package.manifest.version
    }

    /// What waits to be told, oldest first.
    pub async fn to_be_told(&self) -> Vec<News> {
        let mut all = Vec::new();
        for meta in self.context.objects.list("tracking/outbox/", None, 100).await.unwrap() {
            all.push(serde_json::from_slice(&self.object(meta.key.as_str()).await).unwrap());
        }
        all
    }

    /// Makes a version the champion.
    pub async fn release(&self, version: &ModelVersion) {
        let model = samples::name("pets");
        let current = self.context.catalog.release(&model).await.unwrap();
        let next = Release::promote(current.as_ref(), &model, version).unwrap();
        let change = samples::change(ReleaseAction::Promote, 0);
        self.context.catalog.change_release(current.as_ref(), &next, change).await.unwrap();
    }

    pub async fn judge(&self, version: &ModelVersion) -> Evaluation {
        self.evaluate.version(version, |_, _| {}).await.unwrap()
    }
}

/// The gates that were not passed.
pub fn failed(evaluation: &Evaluation) -> Vec<&str> {
    let gates = evaluation.verdict.gates.iter();
    gates.filter(|gate| !gate.passed).map(|gate| gate.name.as_str()).collect()
}
