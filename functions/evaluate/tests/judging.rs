//! Versions are judged on their test images, against the champion.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::cell::RefCell;

use common::{BAD, GOOD, Sight, failed, has_runtime, place};
use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelEvaluated, ModelTrained};
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Event, RunId, Timestamp};
use pappus_plots::EvaluationPlot;
use pappus_tracking::News;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_passes_and_everything_is_written_down() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let version = place.version(GOOD, &data_set).await;
    let told = RefCell::new(Vec::new());
    let evaluation =
        place.evaluate.version(&version, |done, total| told.borrow_mut().push((done, total))).await.unwrap();
    assert!(evaluation.verdict.passed, "{:?}", evaluation.verdict);
    let report = &evaluation.report;
    assert_eq!((report.images, report.accuracy.value), (30, 1.0), "images to train with are not asked about");
    assert_eq!(report.confusion, [[10, 0, 0], [0, 10, 0], [0, 0, 10]]);
    assert!(report.latency.is_some_and(|latency| latency.median_us > 0));
    assert_eq!((evaluation.data_set, &evaluation.champion), (data_set.digest(), &None));
    assert_eq!(*told.borrow(), (1..=30).map(|done| (done, 30)).collect::<Vec<_>>());

    let stored = place.object(&evaluation.object_key("report.json")).await;
    assert_eq!(serde_json::from_slice::<Evaluation>(&stored).unwrap(), evaluation);
    let recorded = place.context.catalog.evaluation(&samples::name("pets"), &version).await.unwrap().unwrap();
    assert_eq!((recorded.verdict, recorded.report), (evaluation.verdict, evaluation.report));
    assert_eq!(place.to_be_told().await, [News::Version { model: samples::name("pets"), version }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plots_are_beside_the_report_and_change_with_it() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let evaluation = place.judge(&place.version(BAD, &data_set).await).await;
    let mut files = Vec::new();
    for plot in EvaluationPlot::ALL {
        let svg = place.object(&evaluation.object_key(&format!("{}.svg", plot.name()))).await;
        assert!(svg.starts_with(b"<svg") && svg.ends_with(b"</svg>\n"), "{plot:?}");
        let png = place.object(&evaluation.object_key(&format!("{}.png", plot.name()))).await;
        image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap();
        files.push((svg, png));
    }
    let mistakes = String::from_utf8(files.pop().unwrap().0).unwrap();
    assert!(mistakes.contains("20 of 20 mistakes, the surest first"), "{mistakes}");
    assert_eq!(mistakes.matches("<image ").count(), 20, "each with the picture of its image");

    let good = place.judge(&place.version(GOOD, &data_set).await).await;
    let mistakes = place.object(&good.object_key("mistakes.svg")).await;
    assert!(String::from_utf8(mistakes).unwrap().contains("no mistakes"));
    assert_ne!(place.object(&good.object_key("confusion.png")).await, files[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plot_that_cannot_be_stored_keeps_no_verdict() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let version = place.version(GOOD, &data_set).await;
    // Where objects of these names should be there is a folder of objects.
    let folder = format!("evaluations/pets/{version}/{}", data_set.digest());
    for plot in ["roc.svg", "classes.png"] {
        place.put(&format!("{folder}/{plot}/other"), b"in the way".into()).await;
    }
    let evaluation = place.judge(&version).await;
    assert!(evaluation.verdict.passed);
    assert!(place.context.catalog.evaluation(&samples::name("pets"), &version).await.unwrap().is_some());
    let stored = place.context.objects.list(&format!("{folder}/"), None, 100).await.unwrap();
    let names: Vec<&str> = stored.iter().map(|meta| &meta.key.as_str()[folder.len() + 1..]).collect();
    let wanted = [
        "classes.png/other",
        "confusion.png",
        "confusion.svg",
        "mistakes.png",
        "mistakes.svg",
        "reliability.png",
        "reliability.svg",
        "report.json",
        "roc.svg/other",
    ];
    assert_eq!(names, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_confuses_classes_does_not_pass_and_the_gates_say_why() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let version = place.version(BAD, &data_set).await;
    let evaluation = place.judge(&version).await;
    assert_eq!(evaluation.report.confusion, [[10, 0, 0], [0, 0, 10], [0, 10, 0]]);
    assert_eq!(failed(&evaluation), ["better-than-guessing", "every-class-recognised", "calibrated"]);
    let gate = evaluation.verdict.gates.iter().find(|gate| gate.name == "every-class-recognised").unwrap();
    assert!(gate.figures.contains("`green`") && gate.figures.contains("`red`"), "{}", gate.figures);
    assert!(!gate.figures.contains("`blue`"), "{}", gate.figures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_test_images_are_not_enough() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(6).await;
    let version = place.version(GOOD, &data_set).await;
    let evaluation = place.judge(&version).await;
    assert_eq!(failed(&evaluation), ["enough-test-images"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_compared_with_the_champion_on_the_same_images() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let champion = place.version(GOOD, &data_set).await;
    place.release(&champion).await;
    let surer: Sight = &[("blue", [0.0, 0.0, 12.0]), ("green", [0.0, 12.0, 0.0]), ("red", [12.0, 0.0, 0.0])];
    let equal = place.judge(&place.version(surer, &data_set).await).await;
    assert!(equal.verdict.passed, "as good is good enough: {:?}", equal.verdict);
    assert_eq!(equal.champion.as_ref(), Some(&champion));
    assert_eq!(equal.champion_report.unwrap().accuracy.value, 1.0);
    let worse = place.judge(&place.version(BAD, &data_set).await).await;
    assert!(failed(&worse).contains(&"not-worse-than-champion"), "{:?}", worse.verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_champion_is_not_compared_with_itself() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let champion = place.version(GOOD, &data_set).await;
    place.release(&champion).await;
    let evaluation = place.judge(&champion).await;
    assert_eq!((evaluation.champion, evaluation.champion_report), (None, None));
    assert!(evaluation.verdict.passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_never_learned_a_class_is_wrong_about_it() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let champion = place.version(&GOOD[1..], &data_set).await;
    place.release(&champion).await;
    let evaluation = place.judge(&place.version(GOOD, &data_set).await).await;
    assert!(evaluation.verdict.passed, "{:?}", evaluation.verdict);
    let theirs = evaluation.champion_report.unwrap();
    let support: Vec<(u64, f64)> = theirs.classes.iter().map(|class| (class.support, class.recall.value)).collect();
    assert_eq!(support, [(10, 0.0), (10, 1.0), (10, 1.0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_with_more_or_other_classes_is_judged_on_those_it_shares() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let candidate = place.version(GOOD, &data_set).await;
    let more: Sight = &[GOOD[0], GOOD[1], GOOD[2], ("yellow", [8.9, 8.9, 0.0])];
    place.release(&place.version(more, &data_set).await).await;
    let theirs = place.judge(&candidate).await.champion_report.unwrap();
    assert_eq!((theirs.classes.len(), theirs.accuracy.value), (3, 1.0));
    let other: Sight = &[("cat", [1.0, 0.0, 0.0]), ("dog", [0.0, 1.0, 0.0])];
    place.release(&place.version(other, &data_set).await).await;
    let evaluation = place.judge(&candidate).await;
    assert!(evaluation.verdict.passed, "{:?}", evaluation.verdict);
    let theirs = evaluation.champion_report.unwrap();
    assert!((theirs.accuracy.value - 1.0 / 3.0).abs() < 1e-9, "it can but guess: {:?}", theirs.accuracy);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_of_a_training_is_followed_by_that_of_its_evaluation_twice_the_same() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(10).await;
    let version = place.version(GOOD, &data_set).await;
    let handler = pappus_evaluate::app(place.context.clone()).on_event;
    let trained = |model: &str| {
        let run = RunId(samples::uuid(1));
        let trained = ModelTrained { model: samples::name(model), version: version.clone(), run };
        Event::new("train", &trained, Timestamp::now()).unwrap()
    };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let events = handler.on_event(trained("pets")).await.unwrap().events;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let evaluated: ModelEvaluated = event.read().unwrap().unwrap();
        assert_eq!((&evaluated.version, evaluated.passed, evaluated.data_set), (&version, true, data_set.digest()));
        ids.push(event.id.clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(handler.on_event(trained("cars")).await.unwrap().events, [], "another model is another's");
    let broken = Event { data: json!(7).into(), ..trained("pets") };
    handler.on_event(broken).await.unwrap_err();
}
