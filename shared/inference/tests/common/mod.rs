//! Pictures, a tiny network, and packages of it.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use pappus_domain::model::{CrossValidation, Training};
use pappus_domain::run::Recipe;
use pappus_domain::stats::Proportion;
use pappus_domain::{Digest, Timestamp};
use pappus_inference::{Golden, GoldenImage, Limits, Network, PROBABILITIES, Package, Runtime, decode, resize};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};

/// Writes to the terminal even when the test passes, as `println!` would not.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// ONNX Runtime; says so on the terminal where there is none.
pub fn runtime() -> Option<Runtime> {
    given("ORT_DYLIB_PATH").map(|_| Runtime::load().unwrap())
}

/// The value of an environment variable; says so on the terminal where it is not set.
pub fn given(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        say(&format!("skipped: {variable} is not set"));
    }
    value
}

/// A picture without symmetries: a slope with a bright and a dark disc.
pub fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let in_disc = |cu: f32, cv: f32, radius: f32| (u - cu).hypot(v - cv) < radius;
        if in_disc(0.3, 0.25, 0.16) {
            Rgb([250, 240, 90])
        } else if in_disc(0.7, 0.7, 0.2) {
            Rgb([20, 30, 60])
        } else {
            Rgb([(60.0 + 120.0 * u) as u8, (150.0 - 90.0 * v) as u8, (90.0 + 60.0 * u * v) as u8])
        }
    })
}

/// A picture of one colour.
pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

/// An image file.
pub fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG with a segment right behind its first marker.
pub fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

/// An EXIF segment's content that says nothing but the orientation, 1 to 8.
pub fn exif(orientation: u8) -> Vec<u8> {
    let directory = [1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
    [b"Exif\0\0II*\0\x08\0\0\0".as_slice(), &directory].concat()
}

/// The side of the tiny network's input in pixels.
pub const SIDE: u32 = 8;
/// The tiny network's classes: which colour a picture is of.
pub const CLASSES: [&str; 3] = ["blue", "green", "red"];
/// For each class, how much it is moved by the mean of red, green and blue.
pub const BY_COLOUR: [[f32; 3]; 3] = [[0.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]];

/// A network from `input` (uint8 [n, 8, 8, 3]) to an output of the softmax of `weights · mean colour`.
pub fn network(input: &str, output: &str, weights: &[[f32; 3]]) -> Vec<u8> {
    let side = Dim::Size(SIDE.into());
    network_of(input, DataType::Uint8, &[Dim::Name("n"), side, side, Dim::Size(3)], output, weights)
}

/// The same for an input of any type and size.
pub fn network_of(input: &str, kind: DataType, dims: &[Dim], output: &str, weights: &[[f32; 3]]) -> Vec<u8> {
    let mut graph = GraphBuilder::new("tiny", 13);
    let image = graph.input(input, kind, dims);
    let numbers = graph.node("Cast", &[&image], vec![attribute::int("to", DataType::Float as i64)]);
    let pooling = vec![attribute::ints("axes", &[1, 2]), attribute::int("keepdims", 0)];
    let mean = graph.node("ReduceMean", &[&numbers], pooling);
    let scale = graph.floats("scale", &[1], &[1.0 / 255.0]);
    let features = graph.node("Mul", &[&mean, &scale], vec![]);
    let classes = weights.len() as i64;
    let weights = graph.floats("weights", &[classes, 3], weights.as_flattened());
    let logits = graph.node("Gemm", &[&features, &weights], vec![attribute::int("transB", 1)]);
    let answer = graph.node_named("Softmax", &[&logits], output, vec![attribute::int("axis", 1)]);
    graph.output(&answer, DataType::Float, &[Dim::Name("n"), Dim::Size(classes)]);
    graph.finish().into_bytes()
}

/// The tiny network as a package holds it.
pub fn tiny() -> Vec<u8> {
    network("image", PROBABILITIES, &BY_COLOUR)
}

/// What a training says of the tiny network.
pub fn training() -> Training {
    Training {
        run: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        data_set: Digest::of(b"the tiny data set"),
        counts: BTreeMap::new(),
        recipe: Recipe::Scratch,
        backbone: None,
        seed: 1,
        parameters: BTreeMap::new(),
        cross_validation: CrossValidation { folds: 2, repeats: 1, accuracy: 0.9, deviation: 0.01 },
        test: Proportion::new(9, 10),
        code: "0".into(),
    }
}

/// A package of a network, whose golden answers are what they are given to be.
pub fn package(onnx: Vec<u8>, images: Vec<GoldenImage>) -> Package {
    let classes = CLASSES.iter().map(|class| class.parse().unwrap()).collect();
    let golden = Golden { tolerance: Golden::TOLERANCE, images };
    let name = "tiny".parse().unwrap();
    Package::new(name, classes, (SIDE, SIDE), onnx, golden, training(), Timestamp::UNIX_EPOCH).unwrap()
}

/// A package of the tiny network that proves itself on a red picture.
pub fn tiny_package(runtime: &Runtime) -> Package {
    let image = encode(plain(40, 40, [230, 20, 10]), ImageFormat::Png);
    let probabilities = answer(runtime, &tiny(), &image);
    package(tiny(), vec![GoldenImage { image, probabilities }])
}

/// What a network answers about an image file, run by hand.
pub fn answer(runtime: &Runtime, onnx: &[u8], image: &[u8]) -> Vec<f32> {
    let pixels = decode(image, &Limits::default()).unwrap();
    let mut network = Network::load(runtime, onnx).unwrap();
    network.run(&resize(&pixels, SIDE, SIDE).unwrap(), 1, PROBABILITIES).unwrap()
}

/// An error and all its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
