//! What cannot be a backbone is refused, and the message says why.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::{SIDE, channels_first, network, pooled};
use pappus_learning::Error;
use pappus_learning::backbone::{BackboneOptions, Cut, Extractor, Normalisation, Pooling};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};

fn options() -> BackboneOptions {
    BackboneOptions::new(Normalisation::Imagenet)
}

/// A network that only flattens its input of this type and shape.
fn flat(data_type: DataType, dims: &[Dim]) -> Vec<u8> {
    let mut graph = GraphBuilder::new("flat", 13);
    let data = graph.input("data", data_type, dims);
    let output = graph.node("Flatten", &[&data], vec![attribute::int("axis", 1)]);
    graph.output(&output, data_type, &[Dim::Name("n"), Dim::Name("d")]);
    graph.finish().into_bytes()
}

fn refused(bytes: &[u8]) -> Error {
    Extractor::from_network(bytes, &options()).unwrap_err()
}

#[test]
fn inputs_that_are_no_colour_images() {
    let side = Dim::Size(SIDE as i64);
    let vector = flat(DataType::Float, &[Dim::Name("n"), Dim::Size(10)]);
    assert!(matches!(refused(&vector), Error::NotAnImage { shape, .. } if shape == "n, 10"));
    let grey = flat(DataType::Float, &[Dim::Name("n"), Dim::Size(1), side, side]);
    assert!(matches!(refused(&grey), Error::NotAnImage { shape, .. } if shape == "n, 1, 16, 16"));
    for data_type in [DataType::Float16, DataType::Uint8] {
        let error = refused(&flat(data_type, &channels_first(Dim::Name("n"))));
        assert!(matches!(&error, Error::InputType { found, .. } if *found == format!("{data_type:?}").to_lowercase()));
    }
}

#[test]
fn several_inputs() {
    let mut graph = GraphBuilder::new("two", 13);
    let first = graph.input("first", DataType::Float, &channels_first(Dim::Name("n")));
    let second = graph.input("second", DataType::Float, &channels_first(Dim::Name("n")));
    let sum = graph.node("Add", &[&first, &second], vec![]);
    graph.output(&sum, DataType::Float, &channels_first(Dim::Name("n")));
    let error = refused(&graph.finish().into_bytes());
    assert_eq!(error.to_string(), "the network takes 2 inputs (first, second), an image network takes one");
}

#[test]
fn sizes_out_of_range() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| (pooled(graph, map), 2));
    for size in [(0, 224), (224, 100_000), (4, 4)] {
        let error = Extractor::from_network(&bytes, &BackboneOptions { size: Some(size), ..options() }).unwrap_err();
        assert!(matches!(error, Error::Size { .. }));
    }
}

#[test]
fn another_size_of_a_network_tied_to_its_own() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| {
        (graph.node("Flatten", &[map], vec![attribute::int("axis", 1)]), 2)
    });
    let resized = |size| Extractor::from_network(&bytes, &BackboneOptions { size: Some(size), ..options() });
    assert!(
        matches!(resized((32, 32)), Err(Error::FixedSize { width: 16, height: 16, reason }) if reason.contains("Flatten"))
    );
    assert!(resized((16, 16)).is_ok());
}

#[test]
fn a_second_size_of_a_network_tied_to_its_own_or_in_an_old_opset() {
    let twice = BackboneOptions { second_size: Some((32, 32)), ..options() };
    let flat = network(13, channels_first(Dim::Name("n")), |graph, map| {
        (graph.node("Flatten", &[map], vec![attribute::int("axis", 1)]), 2)
    });
    let error = Extractor::from_network(&flat, &twice).unwrap_err();
    assert!(matches!(error, Error::FixedSize { width: 16, height: 16, reason } if reason.contains("Flatten")));

    let old = network(10, channels_first(Dim::Name("n")), |graph, map| (pooled(graph, map), 2));
    assert!(matches!(Extractor::from_network(&old, &twice), Err(Error::NoResize { found: 10, oldest: 11 })));

    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| (pooled(graph, map), 2));
    let tiny = BackboneOptions { second_size: Some((8, 8)), ..options() };
    assert!(matches!(Extractor::from_network(&bytes, &tiny), Err(Error::Size { width: 8, height: 8, .. })));
}

#[test]
fn the_largest_of_what_is_no_map() {
    let wanted = BackboneOptions { pooling: Pooling::MeanMax, ..options() };
    let flat = network(13, channels_first(Dim::Name("n")), |graph, map| {
        (graph.node("Flatten", &[map], vec![attribute::int("axis", 1)]), 2)
    });
    let error = Extractor::from_network(&flat, &wanted).unwrap_err();
    assert!(matches!(error, Error::NoMap { tensor } if tensor == "flatten"));
}

#[test]
fn a_mean_image_ties_a_network_to_its_size() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| {
        let mean = graph.floats("mean", &[1, SIDE as i64, SIDE as i64], &[0.5; SIDE * SIDE]);
        let map = graph.node("Sub", &[map, &mean], vec![]);
        (pooled(graph, &map), 2)
    });
    let options = BackboneOptions { size: Some((32, 32)), ..options() };
    assert!(matches!(Extractor::from_network(&bytes, &options), Err(Error::FixedSize { .. })));
}

#[test]
fn outputs_that_lead_nowhere() {
    let mut graph = GraphBuilder::new("constant", 13);
    graph.input("data", DataType::Float, &channels_first(Dim::Name("n")));
    let constant = graph.floats("constant", &[1, 2], &[1.0, 2.0]);
    let output = graph.node("Identity", &[&constant], vec![]);
    graph.output(&output, DataType::Float, &[Dim::Size(1), Dim::Size(2)]);
    assert!(matches!(refused(&graph.finish().into_bytes()), Error::OutputUnreachable { .. }));

    let missing = network(13, channels_first(Dim::Name("n")), |_, _| ("missing".to_owned(), 2));
    assert!(matches!(refused(&missing), Error::OutputUnreachable { output, .. } if output == "missing"));

    let no_weights = flat(DataType::Float, &channels_first(Dim::Name("n")));
    assert!(Extractor::from_network(&no_weights, &options()).is_ok());
}

#[test]
fn a_softmax_with_no_layer_behind_it() {
    let mut graph = GraphBuilder::new("softmax", 13);
    let data = graph.input("data", DataType::Float, &channels_first(Dim::Name("n")));
    let map = graph.node("Abs", &[&data], vec![]);
    let output = graph.node("Softmax", &[&map], vec![attribute::int("axis", 1)]);
    graph.output(&output, DataType::Float, &channels_first(Dim::Name("n")));
    assert!(matches!(refused(&graph.finish().into_bytes()), Error::NoFeatures { .. }));
}

#[test]
fn scores_of_a_network_that_has_none() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| (pooled(graph, map), 2));
    for cut in [Cut::Scores, Cut::Both] {
        let error = Extractor::from_network(&bytes, &BackboneOptions { cut, ..options() }).unwrap_err();
        assert!(matches!(error, Error::NoScores));
    }
}

#[test]
fn features_that_are_neither_vector_nor_map() {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| {
        let shape = graph.integers("shape", &[3], &[0, 4, -1]);
        (graph.node("Reshape", &[map, &shape], vec![]), 3)
    });
    let error = refused(&bytes);
    assert!(matches!(error, Error::FeatureRank { rank: Some(3), .. }));
    assert!(error.to_string().contains("have 3 dimensions, 2 or 4 are wanted"));
}

#[test]
fn descriptions_that_say_too_little_or_too_much() {
    let wrong = |text: &str| BackboneOptions::from_toml(text).unwrap_err();
    assert!(matches!(wrong("normalisation = 'magic'"), Error::UnknownNormalisation(name) if name == "magic"));
    assert!(matches!(wrong("normalisation = 'caffe'\ncolour = 1"), Error::Description(_)));
    assert!(matches!(wrong("normalisation = "), Error::Description(_)));
    for text in [
        "",
        "mean = [1, 2, 3]",
        "normalisation = 'caffe'\nmean = [1, 2, 3]\nstd = [1, 1, 1]",
        "normalisation = 'caffe'\nwidth = 224",
        "mean = [1, 2, 3]\nstd = [1, 0, 1]",
        "mean = [1, nan, 3]\nstd = [1, 1, 1]",
    ] {
        assert!(matches!(wrong(text), Error::Contradiction(_)), "{text}");
    }
}
