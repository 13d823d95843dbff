//! Extractor and head as one model.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::{SIDE, assert_close, channels_first, images, network, pooled, run, runtime, shared_data};
use pappus_learning::backbone::{BackboneOptions, ChannelOrder, Cut, Extractor, Normalisation};
use pappus_learning::onnx::{Dim, Model};
use pappus_learning::{CLASSES, Error, FitOptions, Head, Matrix, assemble};

fn extractor() -> Extractor {
    let bytes = network(13, channels_first(Dim::Name("n")), |graph, map| (pooled(graph, map), 2));
    Extractor::from_network(&bytes, &BackboneOptions::new(Normalisation::MinusOneToOne)).unwrap()
}

fn head(features: usize) -> Head {
    let data = (0..features * 6).map(|i| ((i * 31) % 23) as f32 / 10.0).collect();
    Head::fit(&Matrix::new(6, features, data).unwrap(), &[0, 1, 2, 0, 1, 2], 3, &FitOptions::new(1.0)).unwrap()
}

fn names() -> Vec<String> {
    ["Löwenzahn", "grass \"tall\"", "moss"].map(str::to_owned).to_vec()
}

#[test]
fn the_model_answers_what_its_parts_answer() {
    let (extractor, head) = (extractor(), head(4));
    let model = assemble(&extractor, &head, &names()).unwrap();
    let Some(environment) = runtime() else { return };
    let (pixels, shape) = (images(3), [3, SIDE, SIDE, 3]);
    let features = run(environment, &extractor.onnx, &pixels, shape).remove(0);
    let answers = run(environment, &model, &pixels, shape);
    assert_eq!((answers[0].shape.as_slice(), answers[1].shape.as_slice()), (&[3, 3][..], &[3, 4][..]));
    assert_eq!(answers[1].values, features.values);
    let expected = head.probabilities(&Matrix::new(3, 4, features.values).unwrap()).unwrap();
    assert_close(&answers[0].values, expected.as_slice(), 1e-5);
}

#[test]
fn the_same_parts_give_the_same_bytes_and_the_classes_are_in_them() {
    let model = assemble(&extractor(), &head(4), &names()).unwrap();
    assert_eq!(assemble(&extractor(), &head(4), &names()).unwrap(), model);
    let read = Model::parse(&model).unwrap();
    let classes: Vec<String> = serde_json::from_str(read.metadata(CLASSES).unwrap()).unwrap();
    assert_eq!(classes, names());
    assert_eq!(read.header.producer_name, "pappus");
    assert_eq!(read.opset(), Some(13));
    let outputs: Vec<&str> = read.graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["probabilities", "features"]);
}

#[test]
fn every_class_needs_a_name() {
    let error = assemble(&extractor(), &head(4), &names()[1..]).unwrap_err();
    assert!(matches!(error, Error::Length { found: 2, expected: 3, .. }));
}

/// The real networks: what comes out has the right size, is the same one by one as in a batch, and is not flat.
#[test]
fn real_backbones_become_models() {
    let minus_one_to_one = Normalisation::Explicit { mean: [128.0; 3], std: [128.0; 3], order: ChannelOrder::Rgb };
    let cases = [
        ("backbones/mobilenet_v1_075_192.onnx", minus_one_to_one, Cut::Features, 192, 768),
        ("backbones/squeezenet_imagenet_classifier.onnx", Normalisation::Caffe, Cut::Features, 224, 512),
        ("backbones/squeezenet_imagenet_classifier.onnx", Normalisation::Caffe, Cut::Scores, 224, 1000),
        ("backbones/squeezenet_imagenet_classifier.onnx", Normalisation::Caffe, Cut::Both, 224, 1512),
    ];
    for (file, normalisation, cut, side, width) in cases {
        let (Some(bytes), Some(environment)) = (shared_data(file), runtime()) else { continue };
        let options = BackboneOptions { cut, ..BackboneOptions::new(normalisation) };
        let extractor = Extractor::from_network(&bytes, &options).unwrap();
        assert_eq!((extractor.width, extractor.height), (side, side));
        let model = assemble(&extractor, &head(width), &names()).unwrap();
        let side = side as usize;
        let pixels: Vec<u8> = (0..2 * side * side * 3).map(|i| ((i / 7) * (i % 31) % 256) as u8).collect();
        let both = run(environment, &model, &pixels, [2, side, side, 3]);
        assert_eq!((both[0].shape.as_slice(), both[1].shape.as_slice()), (&[2, 3][..], &[2, width as i64][..]));
        let first = run(environment, &model, &pixels[..side * side * 3], [1, side, side, 3]);
        assert_close(&first[1].values, &both[1].values[..width], 1e-3);
        assert!(both[1].values.iter().any(|value| value.abs() > 0.1));
    }
}

#[test]
fn a_fully_convolutional_network_takes_another_size() {
    let Some(bytes) = shared_data("backbones/mobilenet_v1_075_192.onnx") else { return };
    let options = BackboneOptions { size: Some((128, 160)), ..BackboneOptions::new(Normalisation::MinusOneToOne) };
    let extractor = Extractor::from_network(&bytes, &options).unwrap();
    let Some(environment) = runtime() else { return };
    let answer = run(environment, &extractor.onnx, &vec![90; 128 * 160 * 3], [1, 160, 128, 3]);
    assert_eq!(answer[0].shape, [1, 768]);
}
