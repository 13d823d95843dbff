//! Networks in sessions of ONNX Runtime.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{BY_COLOUR, SIDE, chain, network, network_of, plain, runtime, tiny};
use pappus_inference::{Error, FEATURES, Network, PROBABILITIES};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder};

const ONE_IMAGE: usize = (SIDE * SIDE * 3) as usize;

#[test]
fn a_network_answers_row_by_row() {
    let Some(runtime) = runtime() else { return };
    let mut network = Network::load(&runtime, &tiny()).unwrap();
    assert_eq!((network.width(), network.height()), (SIDE, SIDE));
    assert!(network.has_output(PROBABILITIES) && !network.has_output(FEATURES));
    let pictures = [[250, 0, 0], [0, 0, 250]].map(|colour| plain(SIDE, SIDE, colour).into_raw());
    let both = network.run(&pictures.concat(), 2, PROBABILITIES).unwrap();
    // softmax of (0, 0, 9 · 250/255)
    let sure = (9.0_f32 * 250.0 / 255.0).exp() / ((9.0_f32 * 250.0 / 255.0).exp() + 2.0);
    for (found, expected) in both.iter().zip([(1.0 - sure) / 2.0, (1.0 - sure) / 2.0, sure, sure]) {
        assert!((found - expected).abs() < 1e-5, "{both:?}");
    }
    assert_eq!(network.run(&pictures[1], 1, PROBABILITIES).unwrap(), both[3..], "alone as among others");
}

#[test]
fn pixels_that_do_not_fit_are_refused_with_what_is_wanted() {
    let Some(runtime) = runtime() else { return };
    let mut network = Network::load(&runtime, &tiny()).unwrap();
    for (bytes, count) in [(ONE_IMAGE - 1, 1), (ONE_IMAGE, 2), (0, 0), (0, 1)] {
        let error = network.run(&vec![0; bytes], count, PROBABILITIES).unwrap_err();
        assert!(matches!(error, Error::WrongNetwork(_)), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(&format!("{count} images of 8×8")) && message.contains(&format!("{bytes} bytes")));
    }
}

#[test]
fn an_output_that_is_not_there_is_named() {
    let Some(runtime) = runtime() else { return };
    let mut network = Network::load(&runtime, &tiny()).unwrap();
    let message = network.run(&[0; ONE_IMAGE], 1, FEATURES).unwrap_err().to_string();
    assert!(message.contains("no output `features`"), "{message}");
}

#[test]
fn a_network_with_another_input_is_refused_with_what_is_wanted() {
    let Some(runtime) = runtime() else { return };
    let (n, side, three) = (Dim::Name("n"), Dim::Size(8), Dim::Size(3));
    let cases = [
        (network("data", PROBABILITIES, &BY_COLOUR), "not an image of one size"),
        (network_of("image", DataType::Float, &[n, side, side, three], "p", &BY_COLOUR), "not of bytes"),
        (network_of("image", DataType::Uint8, &[n, side, Dim::Name("w"), three], "p", &BY_COLOUR), "one size"),
        (network_of("image", DataType::Uint8, &[n, side, Dim::Size(8193), three], "p", &BY_COLOUR), "one size"),
    ];
    for (onnx, what) in cases {
        let message = Network::load(&runtime, &onnx).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
        assert!(message.contains("uint8 [n, height, width, 3] named `image` is wanted"), "{message}");
    }
}

#[test]
fn a_network_with_two_inputs_or_none_is_refused() {
    let Some(runtime) = runtime() else { return };
    for inputs in [0, 2] {
        let mut graph = GraphBuilder::new("other", 13);
        let mut last = graph.floats("constant", &[1], &[1.0]);
        for input in 0..inputs {
            let name = graph.input(&format!("input{input}"), DataType::Float, &[Dim::Size(1)]);
            last = graph.node("Add", &[&last, &name], vec![]);
        }
        let last = graph.node("Identity", &[&last], vec![]);
        graph.output(&last, DataType::Float, &[Dim::Size(1)]);
        let message = Network::load(&runtime, &graph.finish().into_bytes()).unwrap_err().to_string();
        assert!(message.contains(&format!("it has {inputs} inputs")), "{message}");
    }
}

#[test]
fn bytes_that_are_no_network_are_refused_with_the_runtimes_reason() {
    let Some(runtime) = runtime() else { return };
    let tiny = tiny();
    for bytes in [b"".as_slice(), b"no network", &[0xFF; 64], &tiny[..tiny.len() / 2]] {
        let error = Network::load(&runtime, bytes).unwrap_err();
        assert!(matches!(error, Error::Runtime { doing: "load the network", .. }), "{error:?}");
        assert!(chain(&error).starts_with("ONNX Runtime failed to load the network: "), "{}", chain(&error));
    }
}
