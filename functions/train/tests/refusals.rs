//! Trainings that cannot be, and what they leave behind: nothing but the reason.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{Place, has_runtime, picture, place};
use pappus_catalog::contract::samples;
use pappus_domain::run::Recipe;
use pappus_domain::{Lease, RunId};
use pappus_host::{Dispose as _, Disposition};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder};
use pappus_train::Error;

/// Trains, and returns why it failed, which the run's row says too.
async fn refused(place: &Place, id: &RunId) -> (Disposition, String) {
    let error = place.train().run(id).await.unwrap_err();
    let Error::Failed(failure) = error else { panic!("{error:?}") };
    assert_eq!(place.failure(id).await, failure.to_string());
    let lease = place.context.catalog.lease(&Lease::for_training(&samples::name("pets"))).await.unwrap();
    assert_eq!(lease, None, "it was given back");
    (failure.disposition(), failure.to_string())
}

async fn nothing_was_made(place: &Place) {
    assert_eq!(place.keys("models/").await, [] as [String; 0]);
    assert_eq!(place.context.catalog.models(&samples::name("pets"), 1).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_labelled_is_too_few() {
    let place = place().await;
    place.store(picture(true, 1), None).await;
    let id = place.ask(1, |_| {}).await;
    let (disposition, message) = refused(&place, &id).await;
    assert_eq!(disposition, Disposition::Refused);
    assert!(message.contains("there are no labelled images"), "{message}");
    nothing_was_made(&place).await;
    assert_eq!(place.keys("datasets/").await, [] as [String; 0]);
}

#[tokio::test]
async fn one_class_alone_is_too_few() {
    let place = place().await;
    for number in 0..6 {
        place.store(picture(true, number), Some("stripes")).await;
    }
    let id = place.ask(1, |_| {}).await;
    let (_, message) = refused(&place, &id).await;
    assert!(message.contains("of the one class `stripes`"), "{message}");
    nothing_was_made(&place).await;
    assert_eq!(place.keys("datasets/").await, [] as [String; 0]);
    let placed = place.context.catalog.labelled().await.unwrap();
    assert!(placed.iter().all(|image| image.placement.is_none()), "no image was placed for ever");
}

#[tokio::test]
async fn a_class_of_three_images_is_named() {
    let place = place().await;
    place.draw(20).await;
    for number in 0..3 {
        place.store(picture(number == 1, 500 + number), Some("rare")).await;
    }
    let id = place.ask(1, |_| {}).await;
    let (_, message) = refused(&place, &id).await;
    assert!(message.starts_with("class `rare` has ") && message.contains("add more images"), "{message}");
    nothing_was_made(&place).await;
    assert_eq!(place.keys("datasets/").await, [] as [String; 0]);
}

#[tokio::test]
async fn a_run_that_nobody_asked_for_is_not_done() {
    let place = place().await;
    let error = place.train().run(&RunId(samples::uuid(9))).await.unwrap_err();
    assert!(matches!(error, Error::NoRun(_)), "{error:?}");
    assert!(error.to_string().contains("`pappus runs`"), "{error}");
    let error = place.train().on_request(&RunId(samples::uuid(9))).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Absent);
}

#[tokio::test]
async fn of_a_run_that_fails_on_request_nothing_is_told_but_its_row_has_the_reason() {
    let place = place().await;
    let id = place.ask(1, |_| {}).await;
    for _ in 0..2 {
        assert_eq!(place.train().on_request(&id).await.unwrap(), None, "now and when it is asked for again");
        let message = place.failure(&id).await;
        assert!(message.contains("there are no labelled images"), "{message}");
    }
}

#[tokio::test]
async fn transfer_without_a_network_says_how_to_give_one() {
    let place = place().await;
    let id = place.ask(1, |request| request.recipe = Recipe::Transfer).await;
    let (disposition, message) = refused(&place, &id).await;
    assert_eq!(disposition, Disposition::Refused);
    assert!(message.contains("`transfer` needs a pretrained network") && message.contains("--backbone"), "{message}");
}

/// Asks for a transfer from a file.
async fn transfer(place: &Place, number: u64, file: &str) -> RunId {
    let path = place.home.path().join(file);
    place
        .ask(number, |request| {
            request.recipe = Recipe::Transfer;
            request.backbone = Some(path);
            request.normalisation = Some("imagenet".into());
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backbone_that_cannot_be_used_is_named() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let mut graph = GraphBuilder::new("words", 13);
    let words = graph.input("words", DataType::Float, &[Dim::Name("n"), Dim::Size(300)]);
    let same = graph.node("Identity", &[&words], vec![]);
    graph.output(&same, DataType::Float, &[Dim::Name("n"), Dim::Size(300)]);
    let words = graph.finish().into_bytes();
    let files: [(&str, &[u8]); 3] =
        [("text.onnx", b"this is a text, and no network"), ("empty.onnx", b""), ("words.onnx", &words)];
    for (number, (file, bytes)) in (1..).zip(files) {
        std::fs::write(place.home.path().join(file), bytes).unwrap();
        let id = transfer(&place, number, file).await;
        let (disposition, message) = refused(&place, &id).await;
        assert!(message.contains(&format!("{file} cannot be used as a backbone: ")), "{message}");
        assert_eq!(disposition, Disposition::Refused, "{message}");
        nothing_was_made(&place).await;
    }
}

#[tokio::test]
async fn a_backbone_or_description_that_cannot_be_read_is_named() {
    let place = place().await;
    let id = transfer(&place, 1, "missing.onnx").await;
    let (disposition, message) = refused(&place, &id).await;
    assert_eq!(disposition, Disposition::Refused);
    assert!(message.contains("missing.onnx cannot be read: "), "{message}");
    let path = place.home.path().join("net.onnx");
    std::fs::write(&path, b"a network").unwrap();
    std::fs::write(place.home.path().join("net.onnx.toml"), "normalisation = 7").unwrap();
    let asked = |request: &mut pappus_domain::run::TrainingRequest| request.backbone = Some(path);
    let id = place.ask(2, asked).await;
    let (_, message) = refused(&place, &id).await;
    assert!(message.contains("net.onnx cannot be used as a backbone: "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_image_that_was_damaged_is_named() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let image = place.context.catalog.labelled().await.unwrap()[0].id;
    let key = pappus_domain::Image::object_key(&image).parse().unwrap();
    let mode = pappus_objects::PutMode::Overwrite;
    place.context.objects.put(&key, b"damaged"[..].into(), mode).await.unwrap();
    let id = place.ask(1, |_| {}).await;
    let (_, message) = refused(&place, &id).await;
    let says = format!("image {image} cannot be used: its stored bytes are damaged, remove the object `{key}`");
    assert!(message.contains(&says), "{message}");
    place.context.objects.delete(&key).await.unwrap();
    let id = place.ask(2, |_| {}).await;
    let (_, message) = refused(&place, &id).await;
    assert!(message.contains(&format!("image {image} cannot be used: its stored bytes are lost")), "{message}");
    nothing_was_made(&place).await;
}
