//! Running graphs, and small networks to run.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ort::environment::Environment;
use ort::session::Session;
use ort::value::TensorRef;
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};

/// A tensor that came out of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub shape: Vec<i64>,
    pub values: Vec<f32>,
}

/// ONNX Runtime; says so on the terminal where there is none.
pub fn runtime() -> Option<&'static Arc<Environment>> {
    static STARTED: OnceLock<Option<Arc<Environment>>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let path = std::env::var_os("ORT_DYLIB_PATH")?;
        Some(Arc::new(ort::init_from(path).unwrap().build().unwrap()))
    });
    if started.is_none() {
        say("skipped: ORT_DYLIB_PATH does not name ONNX Runtime's library");
    }
    started.as_ref()
}

/// Writes to the terminal even when the test passes, as `println!` would not.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Runs `onnx` on `count` images and returns its outputs in order.
pub fn run(environment: &Arc<Environment>, onnx: &[u8], pixels: &[u8], shape: [usize; 4]) -> Vec<Answer> {
    let mut session = Session::builder(environment).unwrap().commit_from_memory(onnx).unwrap();
    let names: Vec<String> = session.outputs().iter().map(|output| output.name().to_owned()).collect();
    let image = TensorRef::from_array_view((shape, pixels)).unwrap();
    let outputs = session.run(ort::inputs!["image" => image]).unwrap();
    let answer = |name: &String| {
        let (shape, values) = outputs[name.as_str()].try_extract_tensor::<f32>().unwrap();
        Answer { shape: shape.to_vec(), values: values.to_vec() }
    };
    names.iter().map(answer).collect()
}

/// A file of the shared data; says so on the terminal where it is not there.
pub fn shared_data(path: &str) -> Option<Vec<u8>> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        say(&format!("skipped: {} is not there", file.display()));
    }
    bytes
}

pub const SIDE: usize = 16;
pub const UNITS: usize = 4;

/// `count` images of 16×16 pixels, all different.
pub fn images(count: usize) -> Vec<u8> {
    (0..count * SIDE * SIDE * 3).map(|i| ((i * 7919 + i * i / 13) % 251) as u8).collect()
}

/// Weights of a 1×1 convolution from 3 colours to 4 units, and its biases.
pub const WEIGHTS: [f32; 12] = [0.5, -0.25, 0.125, -0.3, 0.6, 0.1, 0.2, 0.2, -0.7, 0.05, 0.4, 0.3];
pub const BIASES: [f32; 4] = [0.1, -0.2, 0.3, 0.0];

/// A network of the input `data` (float32, `dims`) with one convolution and ReLU, whose map [n, 4, h, w] `tail` makes into
/// an output of as many dimensions as it returns with its name.
pub fn network(opset: i64, dims: [Dim; 4], tail: impl FnOnce(&mut GraphBuilder, &str) -> (String, usize)) -> Vec<u8> {
    let mut graph = GraphBuilder::new("tiny", opset);
    let mut data = graph.input("data", DataType::Float, &dims);
    if dims[3] == Dim::Size(3) {
        data = graph.node("Transpose", &[&data], vec![attribute::ints("perm", &[0, 3, 1, 2])]);
    }
    let weights = graph.floats("weights", &[4, 3, 1, 1], &WEIGHTS);
    let biases = graph.floats("biases", &[4], &BIASES);
    let map = graph.node("Conv", &[&data, &weights, &biases], vec![]);
    let map = graph.node("Relu", &[&map], vec![]);
    let (output, rank) = tail(&mut graph, &map);
    let names = ["a", "b", "c", "d"].map(Dim::Name);
    graph.output(&output, DataType::Float, &names[..rank]);
    graph.finish().into_bytes()
}

/// [batch, 3, 16, 16].
pub fn channels_first(batch: Dim) -> [Dim; 4] {
    [batch, Dim::Size(3), Dim::Size(SIDE as i64), Dim::Size(SIDE as i64)]
}

/// Adds a pool over the whole map [n, 4, h, w] and makes it a vector [n, 4].
pub fn pooled(graph: &mut GraphBuilder, map: &str) -> String {
    let pool = graph.node("GlobalAveragePool", &[map], vec![]);
    graph.node("Flatten", &[&pool], vec![attribute::int("axis", 1)])
}

/// What the network makes of each pixel of one image: computed here. `normal` is given red, green and blue and returns what
/// the network reads.
pub fn expected_map(image: &[u8], normal: impl Fn([f32; 3]) -> [f32; 3]) -> Vec<[f32; UNITS]> {
    let answers = |pixel: &[u8; 3]| {
        let read = normal(pixel.map(f32::from));
        let product = |unit: usize| (0..3).map(|colour| WEIGHTS[unit * 3 + colour] * read[colour]).sum::<f32>();
        std::array::from_fn(|unit| (product(unit) + BIASES[unit]).max(0.0))
    };
    image.as_chunks::<3>().0.iter().map(answers).collect()
}

/// The mean of that over the image.
pub fn expected_features(image: &[u8], normal: impl Fn([f32; 3]) -> [f32; 3]) -> Vec<f32> {
    let map = expected_map(image, normal);
    let sum = |unit: usize| map.iter().map(|units| f64::from(units[unit])).sum::<f64>();
    (0..UNITS).map(|unit| (sum(unit) / map.len() as f64) as f32).collect()
}

/// Whether two lists are equal up to rounding.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{found:?} against {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{found:?} against {expected:?}");
    }
}
