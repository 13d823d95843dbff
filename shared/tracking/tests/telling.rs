//! What MLflow is told.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{place, servers};
use pappus_catalog::contract::samples;
use pappus_domain::RunStatus;
use pappus_tracking::{Measure, News};

#[tokio::test]
async fn a_run_is_told_from_its_beginning_to_its_end() {
    for server in servers() {
        let place = place(server).await;
        let id = place.begin(1).await;
        place.send().await;
        let run = place.run(1).await;
        assert_eq!(run.status, "RUNNING");
        assert_eq!(run.parameters["requested.recipe"], "transfer");
        assert_eq!(run.tags["pappus.reason"], "operator");

        let measure =
            |step: u64, value| Measure { name: "candidate/accuracy".into(), step, value, at: samples::time(2) };
        for measures in [vec![measure(1, 0.5), measure(2, 0.75)], vec![measure(3, 0.875)]] {
            place.tracking.tell(News::Run { run: id, measures }).await;
        }
        let version = place.train(1).await;
        place.send().await;

        let run = place.run(1).await;
        assert_eq!(run.status, "FINISHED");
        assert_eq!(place.history(&run, "candidate/accuracy").await, [(1, 0.5), (2, 0.75), (3, 0.875)]);
        assert_eq!(place.history(&run, "test_accuracy").await, [(0, 0.75)]);
        assert_eq!((run.parameters["recipe"].as_str(), run.parameters["l2"].as_str()), ("scratch", "0.1"));
        let digest = samples::digest(1).to_string();
        assert_eq!(
            (run.tags["pappus.data_set"].as_str(), run.tags["pappus.code_version"].as_str()),
            (&*digest, "0.1.0")
        );
        assert_eq!(run.tags["pappus.version"], version.as_str());

        let files = ["model/MLmodel", "model/golden.json", "model/manifest.json", "model/model.onnx", "model/plots"];
        assert_eq!(place.files(&run, "model").await, files);
        assert_eq!(place.file(&run, "model/model.onnx").await, b"a network");
        assert_eq!(place.file(&run, "model/plots/validation.svg").await, b"<svg/>");
        let registered = place.version(&version).await;
        assert_eq!(registered["run_id"], run.id);
        assert_eq!(registered["source"], format!("{}/model", run.artifacts));
    }
}

#[tokio::test]
async fn a_run_that_failed_says_why() {
    for server in servers() {
        let place = place(server).await;
        let id = place.begin(1).await;
        let failed = RunStatus::Failed { message: "image `ü` cannot be used".into() };
        place.catalog.update_run(&id, None, &failed, samples::time(5)).await.unwrap();
        place.tracking.tell(News::run(id)).await;
        assert_eq!(place.send().await, 2, "both of them, in one go");
        let run = place.run(1).await;
        assert_eq!((run.status.as_str(), run.tags["pappus.failure"].as_str()), ("FAILED", "image `ü` cannot be used"));
    }
}

#[tokio::test]
async fn an_evaluation_is_told_with_all_its_files() {
    for server in servers() {
        let place = place(server).await;
        let version = place.train(1).await;
        place.judge(1, false).await;
        place.send().await;
        let run = place.run(1).await;
        assert_eq!(place.history(&run, "evaluation/accuracy").await, [(0, 0.5)]);
        assert_eq!(place.history(&run, "class/cat/recall").await, [(0, 1.0)]);
        assert_eq!(run.tags["pappus.verdict"], "failed");
        let folder = format!("evaluation/{}", samples::digest(1).short(12));
        let files = [format!("{folder}/plots"), format!("{folder}/report.json")];
        assert_eq!(place.files(&run, &folder).await, files);
        assert_eq!(place.file(&run, &format!("{folder}/plots/confusion.svg")).await, b"<svg/>");
        assert_eq!(place.aliases(&[&version]).await, [None, None], "it failed");
        let tags = place.version(&version).await["tags"].clone();
        let verdict = tags.as_array().unwrap().iter().find(|tag| tag["key"] == "pappus.verdict").unwrap();
        assert_eq!(verdict["value"], "failed");

        // Judged anew, with another outcome: the files are replaced.
        place.put(&samples::evaluation(1, place.model.as_str(), 1, 0).object_key("extra.txt"), b"more").await;
        place.judge(1, true).await;
        place.send().await;
        assert_eq!(place.run(1).await.tags["pappus.verdict"], "passed");
        assert_eq!(place.file(&run, &format!("{folder}/extra.txt")).await, b"more");
        assert_eq!(place.aliases(&[&version]).await, [None, Some(version.clone())], "nobody answers yet");
    }
}

#[tokio::test]
async fn aliases_move_with_each_release() {
    for server in servers() {
        let place = place(server).await;
        let first = place.train(1).await;
        place.judge(1, true).await;
        place.promote(&first).await;
        place.send().await;
        assert_eq!(place.aliases(&[&first]).await, [Some(first.clone()), None]);

        let second = place.train(2).await;
        place.judge(2, true).await;
        place.send().await;
        let both = [&first, &second];
        assert_eq!(place.aliases(&both).await, [Some(first.clone()), Some(second.clone())], "it may take its place");
        place.promote(&second).await;
        place.send().await;
        assert_eq!(place.aliases(&both).await, [Some(second.clone()), None]);
        place.roll_back().await;
        place.send().await;
        assert_eq!(place.aliases(&both).await, [Some(first.clone()), None], "a version rolled back challenges nobody");

        let model = place.get("registered-models/get", &[("name", place.model.as_str())]).await;
        let tags = model["registered_model"]["tags"].as_array().unwrap();
        let tag = |key: &str| tags.iter().find(|tag| tag["key"] == key).unwrap()["value"].clone();
        assert_eq!(tag("pappus.generation"), "3");
        let told = tag("pappus.release");
        assert!(told.as_str().unwrap().starts_with(&format!("rollback to {first} by operator at ")), "{told}");
    }
}

#[tokio::test]
async fn what_waited_tells_how_it_stands_and_not_how_it_stood() {
    for server in servers() {
        let place = place(server).await;
        let (first, second) = (place.train(1).await, place.train(2).await);
        place.promote(&first).await;
        place.promote(&second).await;
        place.send().await;
        // News of the first promotion, come late.
        place.tracking.tell(News::Release { model: place.model.clone() }).await;
        place.roll_back().await;
        place.roll_back().await;
        assert_eq!(place.send().await, 3);
        assert_eq!(place.aliases(&[&first, &second]).await, [Some(second.clone()), None]);
    }
}

#[tokio::test]
async fn a_release_brings_a_version_that_mlflow_does_not_know() {
    for server in servers() {
        let place = place(server).await;
        let version = place.train(1).await;
        // All other news is lost.
        for meta in place.objects.list("tracking/outbox/", None, 100).await.unwrap() {
            place.objects.delete(&meta.key).await.unwrap();
        }
        place.promote(&version).await;
        assert_eq!(place.send().await, 1);
        assert_eq!(place.aliases(&[&version]).await, [Some(version.clone()), None]);
        assert_eq!(place.run(1).await.status, "FINISHED");
    }
}

#[tokio::test]
async fn telling_twice_is_as_telling_once() {
    for server in servers() {
        let place = place(server).await;
        let version = place.train(1).await;
        place.judge(1, true).await;
        place.promote(&version).await;
        place.send().await;
        let before = place.run(1).await;
        let id = samples::run(1, "pets").request.run;
        let model = place.model.clone();
        for news in
            [News::run(id), News::Version { model: model.clone(), version: version.clone() }, News::Release { model }]
        {
            place.tracking.tell(news).await;
        }
        place.send().await;
        assert_eq!(place.runs().await.len(), 1);
        assert_eq!(place.run(1).await.id, before.id);
        assert_eq!(place.history(&before, "evaluation/accuracy").await.len(), 1);
        assert_eq!(place.history(&before, "test_accuracy").await.len(), 1);
        assert_eq!(place.version(&version).await["version"], "1");
        assert_eq!(place.aliases(&[&version]).await, [Some(version.clone()), None]);
    }
}

#[tokio::test]
async fn equal_versions_of_two_runs_are_registered_once() {
    for server in servers() {
        let place = place(server).await;
        let version = place.train(1).await;
        let again = place.begin(2).await;
        let succeeded =
            RunStatus::Succeeded { version: version.clone(), metrics: [("test_accuracy".into(), 0.75)].into() };
        place.catalog.update_run(&again, None, &succeeded, samples::time(9)).await.unwrap();
        place.tracking.tell(News::run(again)).await;
        place.send().await;
        assert_eq!(place.runs().await.len(), 2);
        assert_eq!(place.run(2).await.tags["pappus.version"], version.as_str());
        assert_eq!(place.version(&version).await["run_id"], place.run(1).await.id);
    }
}

#[tokio::test]
async fn a_training_of_many_steps_and_classes_is_told_whole() {
    for server in servers() {
        let place = place(server).await;
        let id = place.begin(1).await;
        let measure = |step| Measure { name: "loss".into(), step, value: 1.0 / step as f64, at: samples::time(2) };
        place.tracking.tell(News::Run { run: id, measures: (1..=2500).map(measure).collect() }).await;
        place.send().await;
        let run = place.run(1).await;
        let history = place.history(&run, "loss").await;
        assert_eq!((history.len(), history.last()), (2500, Some(&(2500, 1.0 / 2500.0))));
    }
}
