//! Networks of every make become extractors of the same features.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::{SIDE, UNITS, assert_close, channels_first, expected_features, images, network, pooled, run, runtime};
use pappus_learning::backbone::{BackboneOptions, ChannelOrder, Cut, Extractor, Normalisation};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, Model, attribute};

const CLASSES: usize = 3;

fn options() -> BackboneOptions {
    BackboneOptions::new(Normalisation::MinusOneToOne)
}

fn minus_one_to_one(pixel: [f32; 3]) -> [f32; 3] {
    pixel.map(|value| value / 127.5 - 1.0)
}

/// Weights from 4 units to `classes`, [4, classes].
fn class_weights(classes: usize) -> Vec<f32> {
    (0..UNITS * classes).map(|i| ((i * 37) % 17) as f32 / 17.0 - 0.5).collect()
}

fn scores_of(features: &[f32], classes: usize) -> Vec<f32> {
    let weights = class_weights(classes);
    (0..classes).map(|class| (0..UNITS).map(|unit| features[unit] * weights[unit * classes + class]).sum()).collect()
}

/// Runs the extractor of `bytes` on two images, and checks the features of both.
#[track_caller]
fn check(bytes: &[u8], options: &BackboneOptions, expected: impl Fn(&[u8]) -> Vec<f32>) {
    let extractor = Extractor::from_network(bytes, options).unwrap();
    assert_eq!((extractor.width, extractor.height), (SIDE as u32, SIDE as u32));
    let Some(environment) = runtime() else { return };
    let pixels = images(2);
    let answers = run(environment, &extractor.onnx, &pixels, [2, SIDE, SIDE, 3]);
    assert_eq!(answers.len(), 1);
    let wanted: Vec<Vec<f32>> = pixels.chunks_exact(SIDE * SIDE * 3).map(expected).collect();
    assert_eq!(answers[0].shape, [2, wanted[0].len() as i64]);
    assert_close(&answers[0].values, &wanted.concat(), 1e-4);
    let first = run(environment, &extractor.onnx, &pixels[..SIDE * SIDE * 3], [1, SIDE, SIDE, 3]);
    assert_eq!(first[0].shape, [1, wanted[0].len() as i64]);
}

#[track_caller]
fn check_features(bytes: &[u8]) {
    check(bytes, &options(), |image| expected_features(image, minus_one_to_one));
}

fn open() -> [Dim<'static>; 4] {
    channels_first(Dim::Name("batch"))
}

fn one() -> [Dim<'static>; 4] {
    channels_first(Dim::Size(1))
}

type Tail = fn(&mut GraphBuilder, &str) -> (String, usize);

#[test]
fn networks_that_end_in_features_are_kept_whole() {
    let tails: [Tail; 5] = [
        |graph, map| (pooled(graph, map), 2),
        |graph, map| (graph.node("GlobalAveragePool", &[map], vec![]), 4),
        |_, map| (map.to_owned(), 4),
        |graph, map| (graph.node("Transpose", &[map], vec![attribute::ints("perm", &[0, 2, 3, 1])]), 4),
        |graph, map| {
            let pool = graph.node("GlobalAveragePool", &[map], vec![]);
            (graph.node("Squeeze", &[&pool], vec![attribute::ints("axes", &[2, 3])]), 2)
        },
    ];
    for tail in tails {
        check_features(&network(11, open(), tail));
    }
}

fn gemm(graph: &mut GraphBuilder, vector: &str, classes: usize) -> String {
    let weights = graph.floats("classes", &[UNITS as i64, classes as i64], &class_weights(classes));
    let bias = graph.floats("bias", &[classes as i64], &vec![0.0; classes]);
    graph.node("Gemm", &[vector, &weights, &bias], vec![])
}

fn matmul_add(graph: &mut GraphBuilder, vector: &str) -> String {
    let weights = graph.floats("classes", &[UNITS as i64, CLASSES as i64], &class_weights(CLASSES));
    let bias = graph.floats("bias", &[CLASSES as i64], &[0.0; CLASSES]);
    let product = graph.node("MatMul", &[vector, &weights], vec![]);
    graph.node("Add", &[&bias, &product], vec![])
}

/// A 1×1 convolution to `classes` and a pool.
fn conv_pool(graph: &mut GraphBuilder, map: &str, classes: usize) -> String {
    let transposed = class_weights(classes);
    let by_class: Vec<f32> = (0..classes)
        .flat_map(|class| (0..UNITS).map(move |unit| (class, unit)))
        .map(|(c, u)| transposed[u * classes + c])
        .collect();
    let weights = graph.floats("classes", &[classes as i64, UNITS as i64, 1, 1], &by_class);
    let map = graph.node("Conv", &[map, &weights], vec![]);
    graph.node("GlobalAveragePool", &[&map], vec![])
}

fn softmax(graph: &mut GraphBuilder, scores: &str) -> String {
    graph.node("Softmax", &[scores], vec![attribute::int("axis", 1)])
}

/// Every way in which a classifier may end. All score classes by the same weights.
fn classifiers() -> Vec<Tail> {
    vec![
        |graph, map| {
            let vector = pooled(graph, map);
            (gemm(graph, &vector, CLASSES), 2)
        },
        |graph, map| {
            let vector = pooled(graph, map);
            let scores = gemm(graph, &vector, CLASSES);
            (softmax(graph, &scores), 2)
        },
        |graph, map| {
            let vector = pooled(graph, map);
            let scores = matmul_add(graph, &vector);
            let dropped = graph.node("Identity", &[&scores], vec![]);
            (softmax(graph, &dropped), 2)
        },
        |graph, map| {
            let scores = conv_pool(graph, map, CLASSES);
            (softmax(graph, &scores), 4)
        },
        |graph, map| {
            let scores = conv_pool(graph, map, CLASSES);
            let shares = softmax(graph, &scores);
            (graph.node("Flatten", &[&shares], vec![]), 2)
        },
        |graph, map| {
            let scores = conv_pool(graph, map, CLASSES);
            let shape = graph.integers("shape", &[2], &[1, CLASSES as i64]);
            let flat = graph.node("Reshape", &[&scores, &shape], vec![]);
            (softmax(graph, &flat), 2)
        },
    ]
}

#[test]
fn classifiers_are_cut_before_their_last_weighted_layer() {
    for tail in classifiers() {
        for opset in [7, 11, 13, 18, 21] {
            check_features(&network(opset, one(), tail));
        }
    }
}

#[test]
fn scores_and_both_are_joined_as_asked() {
    for tail in classifiers() {
        let bytes = network(13, one(), tail);
        let scores = |image: &[u8]| scores_of(&expected_features(image, minus_one_to_one), CLASSES);
        check(&bytes, &BackboneOptions { cut: Cut::Scores, ..options() }, scores);
        check(&bytes, &BackboneOptions { cut: Cut::Both, ..options() }, |image| {
            [expected_features(image, minus_one_to_one), scores(image)].concat()
        });
    }
}

#[test]
fn a_thousand_outputs_are_imagenets_classes_without_softmax() {
    for classes in [1000, 1001] {
        let bytes = network(13, open(), |graph, map| (conv_pool(graph, map, classes), 4));
        check_features(&bytes);
    }
    // Any other number is a map of features.
    let bytes = network(13, open(), |graph, map| (conv_pool(graph, map, CLASSES), 4));
    check(&bytes, &options(), |image| scores_of(&expected_features(image, minus_one_to_one), CLASSES));
}

#[test]
fn a_fixed_batch_is_freed_from_reshapes_and_squeezes() {
    let tails: [Tail; 3] = [
        |graph, map| {
            let pool = graph.node("GlobalAveragePool", &[map], vec![]);
            let shape = graph.integers("shape", &[2], &[1, UNITS as i64]);
            (graph.node("Reshape", &[&pool, &shape], vec![]), 2)
        },
        |graph, map| {
            let pool = graph.node("GlobalAveragePool", &[map], vec![]);
            let shape = graph.integers("shape", &[2], &[1, -1]);
            (graph.node("Reshape", &[&pool, &shape], vec![]), 2)
        },
        |graph, map| {
            let pool = graph.node("GlobalAveragePool", &[map], vec![]);
            let vector = graph.node("Squeeze", &[&pool], vec![]);
            (gemm(graph, &vector, CLASSES), 2)
        },
    ];
    for tail in tails {
        check_features(&network(13, one(), tail));
    }
}

#[test]
fn pixels_are_normalised_as_asked_in_either_layout() {
    let side = Dim::Size(SIDE as i64);
    let channels_last = [Dim::Name("n"), side, side, Dim::Size(3)];
    let explicit = Normalisation::Explicit { mean: [1.0, 2.0, 3.0], std: [4.0, 5.0, 6.0], order: ChannelOrder::Bgr };
    let imagenet =
        |[r, g, b]: [f32; 3]| [(r / 255.0 - 0.485) / 0.229, (g / 255.0 - 0.456) / 0.224, (b / 255.0 - 0.406) / 0.225];
    type Normal = fn([f32; 3]) -> [f32; 3];
    let cases: [(Normalisation, Option<ChannelOrder>, Normal); 5] = [
        (Normalisation::Imagenet, None, imagenet),
        (Normalisation::MinusOneToOne, None, minus_one_to_one),
        (Normalisation::Caffe, None, |[r, g, b]| [b - 103.939, g - 116.779, r - 123.68]),
        (explicit, None, |[r, g, b]| [(b - 1.0) / 4.0, (g - 2.0) / 5.0, (r - 3.0) / 6.0]),
        (Normalisation::Imagenet, Some(ChannelOrder::Bgr), |[r, g, b]| {
            [(b / 255.0 - 0.406) / 0.225, (g / 255.0 - 0.456) / 0.224, (r / 255.0 - 0.485) / 0.229]
        }),
    ];
    for (normalisation, channels, normal) in cases {
        for dims in [open(), channels_last] {
            let bytes = network(13, dims, |graph, map| (pooled(graph, map), 2));
            let options = BackboneOptions { channels, ..BackboneOptions::new(normalisation) };
            check(&bytes, &options, |image| expected_features(image, normal));
        }
    }
}

#[test]
fn constants_listed_as_inputs_are_no_inputs() {
    let mut model = Model::parse(&network(8, one(), classifiers()[0])).unwrap();
    for tensor in model.graph.initializer.clone() {
        let mut listed = model.graph.input[0].clone();
        listed.name = tensor.name;
        model.graph.input.push(listed);
    }
    model.header.ir_version = 3;
    check_features(&model.into_bytes());
}

#[test]
fn tensors_that_bear_our_names_are_renamed() {
    let bytes = network(13, open(), |graph, map| {
        let image = graph.node_named("Identity", &[map], "image", vec![]);
        let features = graph.node_named("GlobalAveragePool", &[&image], "probabilities", vec![]);
        (graph.node_named("Flatten", &[&features], "features", vec![]), 2)
    });
    check_features(&bytes);
}

#[test]
fn what_the_features_do_not_need_is_removed() {
    let bytes = network(13, open(), |graph, map| {
        let vector = pooled(graph, map);
        let scores = gemm(graph, &vector, 1000);
        (softmax(graph, &scores), 2)
    });
    let extractor = Extractor::from_network(&bytes, &options()).unwrap();
    let graph = Model::parse(&extractor.onnx).unwrap().graph;
    let gone = |op: &str| graph.node.iter().all(|node| node.op_type != op);
    assert!(gone("Gemm") && gone("Softmax"));
    assert!(graph.initializer.iter().all(|tensor| tensor.name != "classes" && tensor.name != "bias"));
    assert_eq!((graph.input.len(), graph.output.len()), (1, 1));
    assert_eq!(Extractor::from_network(&bytes, &options()).unwrap(), extractor);
}

#[test]
fn half_precision_within_gives_float32_features() {
    let bytes = network(13, open(), |graph, map| {
        let half = graph.node("Cast", &[map], vec![attribute::int("to", DataType::Float16 as i64)]);
        let vector = pooled(graph, &half);
        let marker = graph.bytes("unused", &[1], &[0]);
        let marker = graph.node("Cast", &[&marker], vec![attribute::int("to", DataType::Float16 as i64)]);
        (graph.node("Mul", &[&vector, &marker], vec![]), 2)
    });
    // The features are float16 in the graph, so the extractor must cast them: a constant of that type tells.
    let mut model = Model::parse(&bytes).unwrap();
    let mut one = model.graph.initializer.iter().find(|tensor| tensor.name == "unused").unwrap().clone();
    one.data_type = DataType::Float16 as i32;
    one.raw_data = Some(vec![0x00, 0x3c]);
    model.graph.initializer.retain(|tensor| tensor.name != "unused");
    model.graph.initializer.push(one);
    let extractor = Extractor::from_network(&model.into_bytes(), &options()).unwrap();
    let Some(environment) = runtime() else { return };
    let pixels = images(1);
    let answer = run(environment, &extractor.onnx, &pixels, [1, SIDE, SIDE, 3]);
    assert_close(&answer[0].values, &expected_features(&pixels, minus_one_to_one), 1e-2);
}

#[test]
fn another_size_needs_a_fully_convolutional_network() {
    let resized = BackboneOptions { size: Some((32, 48)), ..options() };
    let bytes = network(13, one(), classifiers()[3]);
    let extractor = Extractor::from_network(&bytes, &resized).unwrap();
    assert_eq!((extractor.width, extractor.height), (32, 48));
    if let Some(environment) = runtime() {
        let answer = run(environment, &extractor.onnx, &vec![7; 48 * 32 * 3], [1, 48, 32, 3]);
        assert_eq!(answer[0].shape, [1, UNITS as i64]);
    }
}

#[test]
fn an_open_size_is_the_usual_one_or_the_one_wanted() {
    let dims = [Dim::Name("n"), Dim::Size(3), Dim::Name("h"), Dim::Name("w")];
    let bytes = network(13, dims, classifiers()[3]);
    let size = |options: &BackboneOptions| {
        let extractor = Extractor::from_network(&bytes, options).unwrap();
        (extractor.width, extractor.height)
    };
    assert_eq!(size(&options()), (224, 224));
    assert_eq!(size(&BackboneOptions { size: Some((160, 128)), ..options() }), (160, 128));
}
