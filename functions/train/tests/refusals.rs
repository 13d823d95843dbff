//! Trainings that cannot be, and what they leave behind: nothing but the reason.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;

use common::{Place, has_runtime, picture, place};
use pappus_catalog::contract::samples;
use pappus_domain::event::TrainingFailed;
use pappus_domain::run::Recipe;
use pappus_domain::{Lease, RunId, RunStatus, Timestamp};
use pappus_host::{Dispose as _, Disposition};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder};
use pappus_train::{Ended, Error, Step, Train};
use tokio::runtime::Runtime;

/// Trains, and returns why it failed, which the run's row says too.
async fn refused(place: &Place, id: &RunId) -> (Disposition, String) {
    let error = place.train().run(id).await.unwrap_err();
    let Error::Failed { failure, event } = error else { panic!("{error:?}") };
    assert_eq!(place.failure(id).await, failure.to_string());
    assert_eq!(event, Some(failed(id, failure.to_string())), "the others are to be told");
    let lease = place.context.catalog.lease(&Lease::for_training(&samples::name("pets"))).await.unwrap();
    assert_eq!(lease, None, "it was given back");
    (failure.disposition(), failure.to_string())
}

fn failed(id: &RunId, message: String) -> TrainingFailed {
    TrainingFailed { model: samples::name("pets"), run: *id, message }
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
async fn a_run_that_fails_on_request_is_told_of_as_its_row_has_it() {
    let place = place().await;
    let id = place.ask(1, |_| {}).await;
    let mut ids = Vec::new();
    for _ in ["now", "when it is asked for again"] {
        let told = place.train().on_request(&id).await.unwrap().unwrap();
        let message = place.failure(&id).await;
        assert!(message.contains("there are no labelled images"), "{message}");
        assert_eq!(told, Ended::Failed(failed(&id, message)));
        ids.push(told.event().unwrap().id);
    }
    assert_eq!(ids[0], ids[1], "whoever is told twice knows it");
}

#[tokio::test]
async fn of_a_run_that_somebody_else_has_ended_nothing_is_told_by_a_job() {
    let place = place().await;
    let id = place.ask(1, |_| {}).await;
    let dead = RunStatus::Failed { message: "the training process was killed".into() };
    place.context.catalog.update_run(&id, None, &dead, Timestamp::now()).await.unwrap();
    assert_eq!(Ended::of(&place.train().run(&id).await), None);
    let (meanwhile, settings) = (place.ask(2, |_| {}).await, place.context.settings.clone());
    // Declared dead by another, between its beginning and its failure: with connections of its own, for those of the training
    // may be in use by what waits for this.
    let ends = Train::new(
        place.context.clone(),
        Arc::new(move |step| {
            if step == Step::Freezing {
                let (settings, dead) = (settings.clone(), dead.clone());
                let end = async move {
                    let catalog = pappus_catalog::open(&settings.catalog).await.unwrap();
                    catalog.update_run(&meanwhile, None, &dead, Timestamp::now()).await.unwrap();
                    catalog.close().await;
                };
                std::thread::spawn(|| Runtime::new().unwrap().block_on(end)).join().unwrap();
            }
        }),
    );
    let done = ends.run(&meanwhile).await;
    assert!(matches!(done, Err(Error::Failed { .. })), "{done:?}");
    assert_eq!((Ended::of(&done), place.failure(&meanwhile).await.contains("was killed")), (None, true));
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
