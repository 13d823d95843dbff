//! The mean and the largest value of each feature, at one size of the image and at two.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::{SIDE, UNITS, assert_close, channels_first, expected_map, images, network, pooled, run, runtime};
use pappus_learning::backbone::{BackboneOptions, Cut, Extractor, Normalisation, Pooling, variants};
use pappus_learning::onnx::{Dim, GraphBuilder, Model, attribute};
use pappus_learning::{Error, Scaling};

const PIXELS: usize = SIDE * SIDE * 3;

fn options() -> BackboneOptions {
    BackboneOptions { pooling: Pooling::MeanMax, ..BackboneOptions::new(Normalisation::MinusOneToOne) }
}

fn normal(pixel: [f32; 3]) -> [f32; 3] {
    pixel.map(|value| value / 127.5 - 1.0)
}

/// The mean of each unit over the image, then the largest value of each.
fn mean_max(image: &[u8]) -> Vec<f32> {
    let map = expected_map(image, normal);
    let of = |unit: usize| map.iter().map(move |units| units[unit]);
    let means = (0..UNITS).map(|unit| of(unit).map(f64::from).sum::<f64>() / map.len() as f64);
    let largest = (0..UNITS).map(|unit| of(unit).fold(f32::NEG_INFINITY, f32::max));
    means.map(|mean| mean as f32).chain(largest).collect()
}

type Tail = fn(&mut GraphBuilder, &str) -> (String, usize);

fn softmax(graph: &mut GraphBuilder, vector: &str) -> String {
    let weights = graph.floats("classes", &[UNITS as i64, 3], &[0.5; UNITS * 3]);
    let scores = graph.node("MatMul", &[vector, &weights], vec![]);
    graph.node("Softmax", &[&scores], vec![attribute::int("axis", 1)])
}

/// Networks that pool their map in every way there is, or do not.
const TAILS: [Tail; 7] = [
    |_, map| (map.to_owned(), 4),
    |graph, map| (pooled(graph, map), 2),
    |graph, map| (graph.node("GlobalMaxPool", &[map], vec![]), 4),
    |graph, map| {
        let pool = graph.node("GlobalAveragePool", &[map], vec![]);
        let shape = graph.integers("shape", &[2], &[-1, UNITS as i64]);
        (graph.node("Reshape", &[&pool, &shape], vec![]), 2)
    },
    |graph, map| {
        let keepdims = attribute::int("keepdims", 0);
        (graph.node("ReduceMean", &[map], vec![attribute::ints("axes", &[2, 3]), keepdims]), 2)
    },
    |graph, map| {
        let turned = graph.node("Transpose", &[map], vec![attribute::ints("perm", &[0, 2, 3, 1])]);
        let keepdims = attribute::int("keepdims", 0);
        (graph.node("ReduceMean", &[&turned], vec![attribute::ints("axes", &[1, 2]), keepdims]), 2)
    },
    |graph, map| {
        let vector = pooled(graph, map);
        (softmax(graph, &vector), 2)
    },
];

#[test]
fn the_map_under_a_pool_is_pooled_anew() {
    for (index, tail) in TAILS.into_iter().enumerate() {
        let bytes = network(11, channels_first(Dim::Name("n")), tail);
        let extractor = Extractor::from_network(&bytes, &options()).unwrap();
        assert_eq!(extractor.blocks(), [UNITS, UNITS], "{index}");
        let Some(environment) = runtime() else { continue };
        let pixels = images(2);
        let answer = run(environment, &extractor.onnx, &pixels, [2, SIDE, SIDE, 3]).remove(0);
        assert_eq!(answer.shape, [2, 2 * UNITS as i64]);
        assert_close(&answer.values, &pixels.chunks_exact(PIXELS).flat_map(mean_max).collect::<Vec<_>>(), 1e-4);
    }
}

/// Twice as large, each pixel four times.
fn doubled(image: &[u8]) -> Vec<u8> {
    let rows = image.chunks_exact(SIDE * 3);
    let wide =
        |row: &[u8]| row.as_chunks::<3>().0.iter().flat_map(|pixel| [*pixel, *pixel]).flatten().collect::<Vec<_>>();
    rows.flat_map(|row| [wide(row), wide(row)].concat()).collect()
}

#[test]
fn a_second_look_is_at_the_image_resized() {
    let side = Dim::Size(2 * SIDE as i64);
    let layouts = [[Dim::Name("n"), Dim::Size(3), side, side], [Dim::Name("n"), side, side, Dim::Size(3)]];
    let second_size = Some((SIDE as u32, SIDE as u32));
    for opset in [11, 12, 13, 18] {
        for dims in layouts {
            let bytes = network(opset, dims, |graph, map| (pooled(graph, map), 2));
            let twice = Extractor::from_network(&bytes, &BackboneOptions { second_size, ..options() }).unwrap();
            assert_eq!((twice.width, twice.height), (2 * SIDE as u32, 2 * SIDE as u32));
            assert_eq!(twice.blocks(), [UNITS; 4]);
            let weights = Model::parse(&twice.onnx).unwrap().graph.initializer;
            assert_eq!(weights.iter().filter(|tensor| tensor.name.starts_with("weights")).count(), 1, "shared");

            let Some(environment) = runtime() else { continue };
            let small = images(2);
            let large: Vec<u8> = small.chunks_exact(PIXELS).flat_map(doubled).collect();
            let answer = run(environment, &twice.onnx, &large, [2, 2 * SIDE, 2 * SIDE, 3]).remove(0);
            // Bilinear between two equal pixels gives them back, so both looks are at the same picture.
            let expected = small.chunks_exact(PIXELS).flat_map(|image| [mean_max(image), mean_max(image)].concat());
            assert_close(&answer.values, &expected.collect::<Vec<_>>(), 1e-4);
        }
    }
}

#[test]
fn blocks_of_a_classifier_cut_twice() {
    let tail: Tail = |graph, map| {
        let vector = pooled(graph, map);
        (softmax(graph, &vector), 2)
    };
    let bytes = network(13, channels_first(Dim::Name("n")), tail);
    let both = BackboneOptions { pooling: Pooling::Mean, cut: Cut::Both, ..options() };
    assert_eq!(Extractor::from_network(&bytes, &both).unwrap().blocks(), [UNITS, 3]);
}

#[test]
fn variants_are_what_the_network_allows() {
    let names = |bytes: &[u8]| -> Vec<String> {
        let base = BackboneOptions::new(Normalisation::Imagenet);
        variants(bytes, &base).unwrap().iter().map(|variant| variant.name()).collect()
    };
    let dims = || [Dim::Name("n"), Dim::Size(3), Dim::Name("h"), Dim::Name("w")];
    let features: Tail = |graph, map| (pooled(graph, map), 2);
    let twice = "256×256 mean and maximum, again at 160×160";
    assert_eq!(names(&network(13, dims(), features)), ["224×224 mean", twice]);
    assert_eq!(names(&network(7, dims(), features)), ["224×224 mean"]);
    let classifier = |graph: &mut GraphBuilder, map: &str| {
        let flat = graph.node("Flatten", &[map], vec![attribute::int("axis", 1)]);
        let weights = graph.floats("classes", &[(UNITS * SIDE * SIDE) as i64, 3], &[0.1; UNITS * SIDE * SIDE * 3]);
        (graph.node("MatMul", &[&flat, &weights], vec![]), 2)
    };
    let fixed = network(13, channels_first(Dim::Name("n")), classifier);
    assert_eq!(names(&fixed), ["16×16 mean", "16×16 mean of features and scores"]);
}

#[test]
fn blocks_that_a_network_does_not_tell_are_one() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| {
        (graph.node("Flatten", &[map], vec![attribute::int("axis", 1)]), 2)
    });
    let found = variants(&bytes, &BackboneOptions::new(Normalisation::Imagenet)).unwrap();
    assert!(found[0].extractor.blocks().is_empty());
    assert_eq!(found[0].scaling(1024), Scaling::Blocks(vec![1024]));
    assert!(matches!(variants(&[1, 2, 3], &options()), Err(Error::NotOnnx(_) | Error::NoGraph)));
}
