//! A model version at work.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{BY_COLOUR, answer, chain, encode, network, package, plain, runtime, tiny, tiny_package};
use futures::future::join_all;
use image::ImageFormat;
use pappus_inference::{Classifier, ClassifyError, Error, GoldenImage, ImageError, Limits, PROBABILITIES};

fn image(colour: [u8; 3]) -> Bytes {
    encode(plain(64, 48, colour), ImageFormat::Jpeg).into()
}

#[tokio::test]
async fn a_picture_is_given_its_class_and_probabilities_in_the_order_of_the_classes() {
    let Some(runtime) = runtime() else { return };
    let classifier = Classifier::start(tiny_package(&runtime), 2).unwrap();
    assert_eq!(classifier.manifest().classes.len(), 3);
    for (class, colour) in [[0, 0, 240], [0, 240, 0], [240, 0, 0]].into_iter().enumerate() {
        let found = classifier.classify(image(colour), Limits::default()).await.unwrap();
        assert_eq!(found.class, class);
        assert_eq!(found.probabilities, answer(&runtime, &tiny(), &image(colour)), "as when it is run by hand");
    }
}

#[tokio::test]
async fn a_bad_image_is_refused_and_the_next_one_answered() {
    let Some(runtime) = runtime() else { return };
    let classifier = Classifier::start(tiny_package(&runtime), 0).unwrap();
    let refused = classifier.classify(Bytes::from_static(b"a text"), Limits::default()).await.unwrap_err();
    assert!(matches!(refused, ClassifyError::Image(ImageError::NotAnImage)), "{refused:?}");
    let limits = Limits { bytes: 10, ..Limits::default() };
    let refused = classifier.classify(image([0; 3]), limits).await.unwrap_err();
    assert!(matches!(refused, ClassifyError::Image(ImageError::TooManyBytes { .. })), "{refused:?}");
    assert_eq!(classifier.classify(image([240, 0, 0]), Limits::default()).await.unwrap().class, 2);
}

#[tokio::test]
async fn a_model_that_answers_otherwise_than_when_it_was_made_is_not_served() {
    let Some(runtime) = runtime() else { return };
    let mut golden = tiny_package(&runtime).golden.images;
    golden[0].probabilities.swap(0, 2);
    let wrong = package(tiny(), golden);
    let version = wrong.manifest.version.clone();
    let error = Classifier::start(wrong, 1).unwrap_err();
    assert!(matches!(error, Error::GoldenMismatch { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(version.as_str()) && message.contains("it is not served"), "{message}");
}

#[tokio::test]
async fn a_difference_within_the_tolerance_is_the_order_of_adding() {
    let Some(runtime) = runtime() else { return };
    let golden = |by: f32| {
        let mut images = tiny_package(&runtime).golden.images;
        images[0].probabilities[0] += by;
        package(tiny(), images)
    };
    Classifier::start(golden(0.0009), 1).unwrap();
    Classifier::start(golden(0.0011), 1).unwrap_err();
}

#[tokio::test]
async fn a_golden_answer_about_other_classes_or_no_image_is_refused() {
    let Some(runtime) = runtime() else { return };
    let mut longer = tiny_package(&runtime).golden.images;
    longer[0].probabilities.push(0.0);
    assert!(matches!(Classifier::start(package(tiny(), longer), 1), Err(Error::GoldenMismatch { .. })));
    let no_image = GoldenImage { image: b"a text".to_vec(), probabilities: vec![0.0; 3] };
    let error = Classifier::start(package(tiny(), vec![no_image]), 1).unwrap_err();
    assert!(matches!(error, Error::GoldenImage(ImageError::NotAnImage)), "{error:?}");
}

#[tokio::test]
async fn a_network_that_cannot_be_loaded_is_said_so_at_the_start() {
    let Some(_) = runtime() else { return };
    let error = Classifier::start(package(b"no network".to_vec(), vec![]), 2).unwrap_err();
    assert!(chain(&error).starts_with("ONNX Runtime failed to load the network: "), "{}", chain(&error));
}

#[tokio::test]
async fn a_network_with_more_outputs_than_classes_or_none_of_the_name_answers_no_image() {
    let Some(_) = runtime() else { return };
    let four = [BY_COLOUR[0], BY_COLOUR[1], BY_COLOUR[2], [1.0; 3]];
    for (onnx, what) in [
        (network("image", PROBABILITIES, &four), "4 numbers for 3 classes"),
        (network("image", "scores", &BY_COLOUR), "no output `probabilities`"),
        (network("image", PROBABILITIES, &[[f32::NAN; 3]; 3]), "not numbers"),
    ] {
        let classifier = Classifier::start(package(onnx, vec![]), 1).unwrap();
        let error = classifier.classify(image([9; 3]), Limits::default()).await.unwrap_err();
        assert!(matches!(error, ClassifyError::Model(_)), "{error:?}");
        assert!(chain(&error).contains(what), "{}", chain(&error));
    }
}

#[tokio::test]
async fn more_requests_than_may_wait_are_turned_away_and_the_others_answered() {
    const QUEUE: usize = 32;
    const REQUESTS: usize = 400;
    let Some(runtime) = runtime() else { return };
    let classifier = Classifier::start(tiny_package(&runtime), 1).unwrap();
    let large: Bytes = encode(plain(2000, 1500, [0, 240, 0]), ImageFormat::Jpeg).into();
    let answers = join_all((0..REQUESTS).map(|_| classifier.classify(large.clone(), Limits::default()))).await;
    let (answered, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|answer| matches!(answer, Err(ClassifyError::Overloaded))));
    assert!(answered.len() >= QUEUE, "{} were answered", answered.len());
    assert!(refused.len() > REQUESTS / 2, "{} were turned away", refused.len());
    assert_eq!(classifier.classify(large, Limits::default()).await.unwrap().class, 1, "and then there is room again");
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_disturb_the_others() {
    let Some(runtime) = runtime() else { return };
    let classifier = Classifier::start(tiny_package(&runtime), 1).unwrap();
    for _ in 0..20 {
        // The request is queued when it is first looked at, and nobody waits for the answer.
        let _ = tokio::time::timeout(Duration::ZERO, classifier.classify(image([0; 3]), Limits::default())).await;
    }
    assert_eq!(classifier.classify(image([0, 240, 0]), Limits::default()).await.unwrap().class, 1);
}
