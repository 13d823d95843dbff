//! Reading and writing ONNX files.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use pappus_learning::Error;
use pappus_learning::onnx::proto::{DataType, GraphProto, ModelProto, StringStringEntryProto};
use pappus_learning::onnx::{Dim, GraphBuilder, Model, attribute};
use proptest::prelude::*;

/// The header of a file that is otherwise good.
fn small_model() -> Model {
    Model::parse(&common::network(13, common::channels_first(Dim::Name("n")), |graph, map| {
        (common::pooled(graph, map), 2)
    }))
    .unwrap()
}

#[test]
fn real_networks_survive_a_round_trip_to_the_last_byte_of_meaning() {
    for file in ["backbones/mobilenet_v1_075_192.onnx", "backbones/squeezenet_imagenet_classifier.onnx"] {
        let Some(bytes) = common::shared_data(file) else { continue };
        let model = Model::parse(&bytes).unwrap();
        let written = model.clone().into_bytes();
        assert_eq!(Model::parse(&written).unwrap(), model, "{file}");
        assert_eq!(Model::parse(&written).unwrap().into_bytes(), written, "{file}");
        // Nothing is lost: only the encoding of fields that hold their default may differ.
        assert!(written.len().abs_diff(bytes.len()) < bytes.len() / 1000, "{} of {}", written.len(), bytes.len());
    }
}

#[test]
fn an_attribute_that_is_zero_or_empty_is_kept() {
    let mut model = small_model();
    let zero = [attribute::int("zero", 0), attribute::float("nought", 0.0), attribute::string("empty", "")];
    model.graph.node[0].attribute.extend(zero);
    let read = Model::parse(&model.clone().into_bytes()).unwrap();
    assert_eq!(read, model);
    assert_eq!(attribute::find_int(&read.graph.node[0], "zero"), Some(0));
}

#[test]
fn metadata_replaces_what_has_the_same_key() {
    let mut model = small_model();
    model.set_metadata("classes", "[]");
    model.set_metadata("classes", "[\"a\"]");
    let read = Model::parse(&model.into_bytes()).unwrap();
    assert_eq!(read.metadata("classes"), Some("[\"a\"]"));
    assert_eq!(read.header.metadata_props.len(), 1);
}

#[test]
fn names_are_never_given_twice() {
    let mut graph = GraphBuilder::new("names", 13);
    let names: Vec<String> = (0..3).map(|_| graph.floats("w", &[1], &[1.0])).collect();
    let again = GraphBuilder::extend(graph.finish()).floats("w", &[1], &[1.0]);
    assert!(!names.contains(&again));
    assert_eq!(names.len(), names.iter().collect::<std::collections::HashSet<_>>().len());
}

#[test]
fn what_is_no_onnx_file_is_refused_by_name() {
    assert!(matches!(Model::parse(b"\xff\xd8\xff\xe0 a photograph"), Err(Error::NotOnnx(_))));
    assert!(matches!(Model::parse(b""), Err(Error::NoGraph)));
    let empty = ModelProto { graph: Some(GraphProto::default()), ..ModelProto::default() };
    let no_outputs = Model { header: empty.clone(), graph: empty.graph.unwrap_or_default() };
    assert!(matches!(Model::parse(&no_outputs.into_bytes()), Err(Error::NoGraph)));
}

#[test]
fn weights_in_other_files_are_refused_wherever_they_hide() {
    let key = StringStringEntryProto { key: "location".to_owned(), value: "weights.bin".to_owned() };
    let mut outside = small_model();
    outside.graph.initializer[0].external_data.push(key);
    assert!(matches!(Model::parse(&outside.into_bytes()), Err(Error::ExternalData { tensor }) if tensor == "weights"));

    let mut inside = small_model();
    let mut tensor = inside.graph.initializer[0].clone();
    tensor.data_location = 1;
    let mut value = attribute::int("value", 0);
    value.t = Some(Box::new(tensor));
    inside.graph.node[0].attribute.push(value);
    assert!(matches!(Model::parse(&inside.into_bytes()), Err(Error::ExternalData { .. })));
}

#[test]
fn versions_outside_the_runtime_are_refused() {
    let of = |opset| GraphBuilder::new("versions", opset).finish().check_versions();
    assert!(matches!(of(6), Err(Error::Opset { found: 6, .. })));
    assert!(matches!(of(99), Err(Error::Opset { found: 99, .. })));
    assert!(of(7).is_ok() && of(21).is_ok());
    let mut model = small_model();
    model.header.ir_version = 99;
    assert!(matches!(model.check_versions(), Err(Error::IrVersion { found: 99, .. })));
}

#[test]
fn constants_are_read_in_either_encoding() {
    let mut graph = GraphBuilder::new("constants", 13);
    graph.integers("raw", &[2], &[-1, 7]);
    let mut model = graph.finish();
    let raw = model.graph.initializer[0].clone();
    assert_eq!(pappus_learning::onnx::integers_of(&raw), Some(vec![-1, 7]));
    let mut typed = raw;
    typed.raw_data = None;
    typed.int64_data = vec![-1, 7];
    assert_eq!(pappus_learning::onnx::integers_of(&typed), Some(vec![-1, 7]));
    typed.data_type = DataType::Float as i32;
    assert_eq!(pappus_learning::onnx::integers_of(&typed), None);
    model.graph.initializer.clear();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Model::parse(&bytes);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(cut in 0.0_f64..1.0, place in 0.0_f64..1.0, byte in any::<u8>()) {
        let mut bytes = small_model().into_bytes();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        if !bytes.is_empty() {
            let place = (bytes.len() as f64 * place) as usize;
            bytes[place] = byte;
        }
        let options = pappus_learning::BackboneOptions::new(pappus_learning::backbone::Normalisation::Imagenet);
        let _ = pappus_learning::Extractor::from_network(&bytes, &options);
    }

    #[test]
    fn a_file_changed_in_one_place_is_read_or_refused(place in 0.0_f64..1.0, byte in any::<u8>()) {
        let mut bytes = small_model().into_bytes();
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] = byte;
        let options = pappus_learning::BackboneOptions::new(pappus_learning::backbone::Normalisation::Caffe);
        let _ = pappus_learning::Extractor::from_network(&bytes, &options);
    }
}
