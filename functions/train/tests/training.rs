//! A whole training: pictures in, package out.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{has_runtime, picture, place};
use pappus_catalog::contract::samples;
use pappus_domain::data_set::ClassCount;
use pappus_domain::event::ModelTrained;
use pappus_domain::run::Recipe;
use pappus_domain::split::Placement;
use pappus_domain::{Lease, Manifest, RunStatus};
use pappus_inference::{Classifier, Limits, Package};
use pappus_objects::PutMode;
use pappus_train::{Ended, Step};

#[tokio::test(flavor = "multi_thread")]
async fn a_training_makes_a_package_that_proves_itself_and_tells_the_kinds_apart() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let id = place.ask(1, |_| {}).await;
    let (train, steps) = place.train_telling();
    let trained = train.run(&id).await.unwrap().unwrap();
    let manifest = &trained.manifest;
    let classes: Vec<&str> = manifest.classes.iter().map(|class| class.as_str()).collect();
    assert_eq!((classes, manifest.training.recipe), (vec!["discs", "stripes"], Recipe::Scratch));
    let counted: usize = manifest.training.counts.values().map(|count| count.total()).sum();
    assert_eq!(counted as u64 + trained.aside, 40);
    assert!(manifest.training.cross_validation.accuracy > 0.9, "{:?}", manifest.training.cross_validation);
    let RunStatus::Succeeded { version, metrics } = place.status(&id).await else { panic!("it succeeded") };
    assert_eq!(version, manifest.version);
    assert!(metrics["cross_validated_accuracy"] > 0.9, "{metrics:?}");

    let name = samples::name("pets");
    assert_eq!(place.context.catalog.model(&name, &version).await.unwrap().as_ref(), Some(manifest));
    let package = Package::read(&*place.context.objects, &name, &version).await.unwrap();
    assert!(!package.golden.images.is_empty());
    let classifier = tokio::task::spawn_blocking(|| Classifier::start(package, 1)).await.unwrap().unwrap();
    let mut right = 0;
    for number in 1000..1010 {
        for (class, stripes) in [(0, false), (1, true)] {
            let answer = classifier.classify(picture(stripes, number).into(), Limits::default()).await.unwrap();
            right += usize::from(answer.class == class);
        }
    }
    assert!(right >= 18, "{right} of 20 that it has never seen");

    let steps = steps.lock().unwrap().clone();
    assert_eq!((steps.first(), steps.last()), (Some(&Step::Freezing), Some(&Step::Packing)));
    for sides in [|count: &ClassCount| count.train, |count: &ClassCount| count.test] {
        let side = manifest.training.counts.values().map(sides).sum::<usize>() as u64;
        let is_whole =
            |step: &Step| matches!(step, Step::Extracting { done, total, .. } if (*done, *total) == (side, side));
        assert!(steps.iter().any(is_whole), "{side}: {steps:?}");
    }
    let folds = steps.iter().filter_map(|step| match step {
        Step::Validating { done, total, .. } => Some((*done, *total)),
        _ => None,
    });
    let folds: Vec<_> = folds.collect();
    assert!(folds.contains(&(0, folds[0].1)) && folds.contains(&(folds[0].1, folds[0].1)), "{folds:?}");
    assert!(steps.iter().any(|step| matches!(step, Step::Validated { accuracy, .. } if *accuracy > 0.9)));
    let event = trained.event();
    assert_eq!((event.model, event.version, event.run), (name, version, id));
    let lease = place.context.catalog.lease(&Lease::for_training(&samples::name("pets"))).await.unwrap();
    assert_eq!(lease, None, "it was given back");
    assert_eq!(place.keys(&format!("datasets/{}", manifest.training.data_set)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_images_and_seed_make_the_same_version_and_a_run_is_done_once() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let first = place.ask(1, |_| {}).await;
    let one = place.train().run(&first).await.unwrap().unwrap().manifest;
    assert!(place.train().run(&first).await.unwrap().is_none(), "a run that is over is not done again");
    let (second, third) = (place.ask(2, |_| {}).await, place.ask(3, |request| request.seed = 2).await);
    for file in [Manifest::MODEL, Manifest::FILE] {
        let key = Manifest::object_key(&one.name, &one.version, file).parse().unwrap();
        place.context.objects.put(&key, b"damaged"[..].into(), PutMode::Overwrite).await.unwrap();
    }
    let two = place.train().run(&second).await.unwrap().unwrap().manifest;
    Package::read(&*place.context.objects, &one.name, &one.version).await.unwrap();
    assert_eq!((&one.version, &one.files), (&two.version, &two.files));
    assert_eq!(one.training.data_set, two.training.data_set);
    let three = place.train().run(&third).await.unwrap().unwrap().manifest;
    assert_ne!(one.version, three.version, "another seed, another model");
    assert_eq!(place.context.catalog.models(&samples::name("pets"), 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_is_plotted_beside_the_package_and_changes_nothing_of_it() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let train = async |number| {
        let id = place.ask_transfer(number, |request| request.recipe = Recipe::Auto).await;
        place.train().run(&id).await.unwrap().unwrap().manifest
    };
    let manifest = train(1).await;
    let folder = format!("models/pets/{}/plots/", manifest.version);
    assert_eq!(place.keys(&folder).await, ["png", "svg"].map(|ending| format!("{folder}training.{ending}")));
    let svg = place.object(&format!("{folder}training.svg")).await;
    let svg = String::from_utf8(svg).unwrap();
    let kept = format!("{}, kept", manifest.training.parameters["candidate"]);
    assert!(svg.contains(&kept), "{kept}: {svg}");
    assert!(svg.contains("scratch") && svg.contains("transfer"), "each way that was tried: {svg}");
    assert_eq!(
        manifest.files.keys().collect::<Vec<_>>(),
        ["golden.json", "model.onnx"],
        "no plot is part of a version"
    );

    // Where the plot should be there is a folder of objects.
    for ending in ["svg", "png"] {
        let key = format!("{folder}training.{ending}");
        place.context.objects.delete(&key.parse().unwrap()).await.unwrap();
        place.put(&format!("{key}/other"), b"in the way").await;
    }
    let again = train(2).await;
    assert_eq!(
        (&again.version, &again.files),
        (&manifest.version, &manifest.files),
        "a training without a plot is one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_image_stays_one_when_the_data_grow() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let sides = async |number| {
        let id = place.ask(number, |_| {}).await;
        let data_set = place.train().run(&id).await.unwrap().unwrap().manifest.training.data_set;
        let key = pappus_domain::DataSet::object_key(&data_set).parse().unwrap();
        let text = place.context.objects.get(&key, 1 << 20).await.unwrap();
        pappus_domain::DataSet::from_text(std::str::from_utf8(&text).unwrap()).unwrap()
    };
    let before = sides(1).await;
    for number in 100..110 {
        place.store(picture(true, number), Some("stripes")).await;
    }
    let after = sides(2).await;
    assert_ne!(before.digest(), after.digest());
    assert!(after.entries().len() > before.entries().len());
    for entry in before.entries() {
        assert!(after.entries().contains(entry), "{entry:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_done_on_request_is_told_of_as_often_as_it_is_asked_for() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let id = place.ask_transfer(1, |_| {}).await;
    let told = place.train().on_request(&id).await.unwrap().unwrap();
    let RunStatus::Succeeded { version, .. } = place.status(&id).await else { panic!("it succeeded") };
    assert_eq!(told, Ended::Trained(ModelTrained { model: samples::name("pets"), version, run: id }));
    let (train, steps) = place.train_telling();
    assert_eq!(train.on_request(&id).await.unwrap(), Some(told));
    assert_eq!(*steps.lock().unwrap(), [], "without being done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_set_aside_since_the_same_data_set_was_frozen_are_counted() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    place.draw(20).await;
    let train = async |number| {
        let id = place.ask_transfer(number, |_| {}).await;
        place.train().run(&id).await.unwrap().unwrap()
    };
    let before = train(1).await;
    let bridge = place.store(picture(true, 100), Some("stripes")).await;
    place.context.catalog.place_images(&[(bridge, Placement::Aside)]).await.unwrap();
    let after = train(2).await;
    assert_eq!(after.aside, before.aside + 1);
    let data_set = after.manifest.training.data_set;
    assert_eq!(data_set, before.manifest.training.data_set);
    assert_eq!(place.context.catalog.data_set(&data_set).await.unwrap().unwrap().labelled, 41);
}
