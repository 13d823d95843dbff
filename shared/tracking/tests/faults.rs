//! A server that is dead, slow, strange or unwilling: nothing is lost, nothing comes twice, and nobody waits.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::fake::Fake;
use common::proxy::{Fate, Upstream};
use common::{Place, fake, place, servers};
use pappus_catalog::contract::samples;
use pappus_domain::ModelVersion;
use pappus_telemetry::Metrics;
use pappus_tracking::{Login, News, Report, Round, Sending, Server, Tracking};
use serde_json::json;

/// A life: a training, an evaluation, a release.
async fn live(place: &Place) -> ModelVersion {
    let version = place.train(1).await;
    place.judge(1, true).await;
    place.promote(&version).await;
    version
}

/// That MLflow knows all of it, once.
async fn check(place: &Place, version: &ModelVersion) {
    assert_eq!(place.runs().await.len(), 1);
    let run = place.run(1).await;
    assert_eq!((run.status.as_str(), run.tags["pappus.verdict"].as_str()), ("FINISHED", "passed"));
    assert_eq!(place.history(&run, "test_accuracy").await.len(), 1);
    assert_eq!(place.file(&run, "model/model.onnx").await, b"a network");
    assert_eq!(place.version(version).await["version"], "1");
    assert_eq!(place.aliases(&[version]).await, [Some(version.clone()), None]);
}

/// Why a round did not come to an end.
async fn trouble(place: &Place) -> String {
    match place.tracking.send().await.unwrap() {
        Round::Unfinished { trouble, .. } => trouble.to_string(),
        other => panic!("it came to an end: {other:?}"),
    }
}

fn count_of(place: &Place, metric: &str) -> u64 {
    let text = place.metrics.text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{metric} ")));
    line.unwrap_or_else(|| panic!("{metric} is not in {text}")).parse().unwrap()
}

#[tokio::test]
async fn whichever_answer_is_lost_all_is_told_once() {
    for (server, every) in servers().into_iter().zip([1, 6]) {
        // Of the real server only some, for time.
        for lost in (0..).step_by(every) {
            let place = place(server.clone()).await;
            let version = live(&place).await;
            place.proxy.decide(move |number, _| if number == lost { Fate::AnswerLost } else { Fate::Pass });
            let is_lost = match place.tracking.send().await.unwrap() {
                Round::Done { .. } => false,
                Round::Unfinished { trouble, .. } => {
                    assert!(trouble.to_string().contains("cannot be reached"), "{trouble}");
                    true
                }
                other => panic!("{other:?}"),
            };
            place.proxy.decide(|_, _| Fate::Pass);
            if is_lost {
                place.send().await;
            }
            check(&place, &version).await;
            assert_eq!(place.report().await.waiting, 0);
            if !is_lost {
                assert!(lost > 10, "there are more calls than that");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_dead_server_keeps_all_news_until_it_returns() {
    for server in servers() {
        let place = place(server).await;
        place.proxy.decide(|_, _| Fate::Lost);
        let version = live(&place).await;
        let said = trouble(&place).await;
        assert!(said.starts_with(&format!("MLflow at {} cannot be reached: ", place.proxy.url())), "{said}");
        assert_eq!(place.proxy.seen().len(), 1, "one is enough to know");
        let Report { waiting, oldest, trouble, refused, .. } = place.report().await;
        assert_eq!((waiting, refused, trouble), (4, 0, Some(said)));
        assert!(oldest.is_some());
        assert_eq!((count_of(&place, "tracking_waiting"), count_of(&place, "tracking_failures_total")), (4, 1));

        place.proxy.decide(|_, _| Fate::Pass);
        assert_eq!(place.send().await, 4);
        check(&place, &version).await;
        let Report { waiting, oldest, trouble, .. } = place.report().await;
        assert_eq!((waiting, oldest, trouble), (0, None, None));
        assert_eq!((count_of(&place, "tracking_waiting"), count_of(&place, "tracking_told_total")), (0, 4));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nobody_up() {
    let place = place(fake()).await;
    place.proxy.decide(|_, _| Fate::Hangs);
    // Were any of these to wait for an answer, the test would never end.
    let version = live(&place).await;
    place.tracking.flush(Duration::from_millis(500)).await;
    assert_eq!(place.report().await.waiting, 4);
    assert!(place.report().await.trouble.unwrap().contains("no answer within"));
    place.proxy.decide(|_, _| Fate::Pass);
    place.send().await;
    check(&place, &version).await;
}

#[tokio::test]
async fn a_process_that_has_told_nothing_sends_nothing_when_it_ends() {
    let place = place(fake()).await;
    live(&place).await;
    let other = place.another(Sending::WhenAsked);
    other.flush(Duration::from_secs(60)).await;
    assert!(place.proxy.seen().is_empty());
    place.tracking.flush(Duration::from_secs(60)).await;
    assert_eq!(place.report().await.waiting, 0);
}

#[tokio::test]
async fn what_mlflow_refuses_is_set_aside_and_the_rest_goes_on() {
    let place = place(fake()).await;
    place.proxy.decide(|_, what| match what {
        "POST /api/2.0/mlflow/model-versions/create" => {
            Fate::Says(400, r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no such source\nat all"}"#)
        }
        _ => Fate::Pass,
    });
    place.begin(2).await;
    let version = place.train(1).await;
    let Round::Done { told } = place.tracking.send().await.unwrap() else { panic!("refused news waits") };
    assert_eq!(told, 1);
    assert_eq!((place.run(1).await.status, place.run(2).await.status), ("FINISHED".into(), "RUNNING".into()));
    let Report { waiting, refused, last_refusal, trouble, .. } = place.report().await;
    assert_eq!((waiting, refused, trouble), (0, 2, None), "both pieces of news of the run");
    let reason = last_refusal.unwrap().reason;
    let expected = "MLflow refuses `model-versions/create`: INVALID_PARAMETER_VALUE: no such source";
    assert_eq!(reason, expected);
    assert_eq!(count_of(&place, "tracking_refused_total"), 2);

    place.proxy.decide(|_, _| Fate::Pass);
    assert_eq!(place.send().await, 0, "it is not tried again by itself");
    assert_eq!(place.tracking.put_back().await.unwrap(), 2);
    assert_eq!(place.send().await, 2);
    assert_eq!(place.version(&version).await["version"], "1");
    assert_eq!(place.report().await.refused, 0);
}

#[tokio::test]
async fn a_fault_at_one_thing_keeps_only_that_waiting() {
    let place = place(fake()).await;
    place.proxy.decide(|_, what| match what {
        "PUT /api/2.0/mlflow-artifacts/artifacts/0/00000000000000000000000000000000/artifacts/model/model.onnx" => {
            Fate::Says(500, "<h1>Internal Server Error</h1>")
        }
        _ => Fate::Pass,
    });
    place.train(1).await;
    place.begin(2).await;
    let said = trouble(&place).await;
    assert_eq!(said, "MLflow failed at `PUT model/model.onnx`: 500 <h1>Internal Server Error</h1>");
    assert_eq!(place.run(2).await.status, "RUNNING");
    let Report { waiting, refused, .. } = place.report().await;
    assert_eq!((waiting, refused), (2, 0));
}

#[tokio::test]
async fn who_turns_us_away_or_is_no_mlflow_is_named_and_waited_for() {
    for (status, answer, expected) in [
        (401, "You are not authenticated.", "turns us away (401 You are not authenticated.)"),
        (403, "Invalid Host header", "turns us away (403 Invalid Host header): check MLFLOW_TRACKING_USERNAME"),
        (404, "<html>", "does not answer as MLflow does (404 <html>): check PAPPUS_TRACKING"),
        (302, "", "does not answer as MLflow does (302, go to ): check PAPPUS_TRACKING"),
        (200, "Welcome!", "does not answer as MLflow does (it answers `experiments/get-by-name` with what cannot"),
        (503, "", "cannot be reached: 503"),
        (429, r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow"}"#, "cannot be reached: REQUEST_LIMIT_EX"),
    ] {
        let place = place(fake()).await;
        place.proxy.decide(move |_, _| Fate::Says(status, answer));
        place.begin(1).await;
        place.begin(2).await;
        let said = trouble(&place).await;
        assert!(said.contains(expected), "{said}");
        assert_eq!((place.report().await.waiting, place.proxy.seen().len()), (2, 1));
        place.proxy.decide(|_, _| Fate::Pass);
        assert_eq!(place.send().await, 2);
    }
}

#[tokio::test]
async fn who_we_are_is_sent_and_never_shown() {
    let place = place(fake()).await;
    let login = Login { username: Some("ada".into()), password: Some("s3cret".into()), token: None };
    let server = Server::new(&place.proxy.url(), login).unwrap();
    let metrics = Metrics::default();
    let (objects, catalog) = (place.objects.clone(), place.catalog.clone());
    let tracking = Tracking::new(Some(&server), objects, catalog, &metrics, Sending::WhenAsked);
    place.begin(1).await;
    tracking.send().await;
    let seen = place.proxy.seen();
    assert!(!seen.is_empty() && seen.iter().all(|(_, who)| who.as_deref() == Some("Basic YWRhOnMzY3JldA==")));
    place.proxy.decide(|_, _| Fate::Says(401, "who?"));
    place.begin(2).await;
    let round = format!("{:?}", tracking.send().await);
    let report = tracking.report().await.unwrap();
    for shown in [round, format!("{tracking:?}"), format!("{report:?}"), report.trouble.unwrap()] {
        assert!(!shown.contains("s3cret") && !shown.contains("YWRh"), "{shown}");
    }
}

#[tokio::test]
async fn what_was_deleted_in_mlflow_is_not_made_again() {
    for server in servers() {
        let place = place(server).await;
        let id = place.begin(1).await;
        place.send().await;
        let run = place.run(1).await;
        place.post("runs/delete", json!({ "run_id": run.id })).await;
        place.tracking.tell(News::run(id)).await;
        place.send().await;
        assert!(place.runs().await.is_empty());
        let reason = place.report().await.last_refusal.unwrap().reason;
        assert_eq!(reason, format!("run {id} has been deleted in MLflow: restore it there"));

        place.post("experiments/delete", json!({ "experiment_id": place.experiment().await })).await;
        place.begin(2).await;
        place.send().await;
        let reason = place.report().await.last_refusal.unwrap().reason;
        let expected =
            format!("the experiment `{}` has been deleted in MLflow: restore it there, or erase it", place.model);
        assert_eq!(reason, expected);
    }
}

#[tokio::test]
async fn a_run_that_came_twice_is_one_in_the_end() {
    for server in servers() {
        let place = place(server).await;
        let id = place.begin(1).await;
        place.send().await;
        // As when an answer takes so long that the run is asked for again.
        let tags = json!([{ "key": "pappus.run_id", "value": id.to_string() }]);
        let made = json!({ "experiment_id": place.experiment().await, "start_time": 1, "tags": tags });
        place.post("runs/create", made).await;
        assert_eq!(place.runs().await.len(), 2);
        place.tracking.tell(News::run(id)).await;
        place.send().await;
        assert_eq!(place.runs().await.len(), 1);
    }
}

#[tokio::test]
async fn files_that_mlflow_does_not_take_itself_are_named() {
    let elsewhere = Upstream::Fake(Arc::new(Fake::keeping_files_at("s3://bucket")));
    let place = place(elsewhere).await;
    place.train(1).await;
    place.send().await;
    assert_eq!(place.run(1).await.status, "FINISHED", "what can be told is told");
    let reason = place.report().await.last_refusal.unwrap().reason;
    assert!(reason.contains("wants them at s3://bucket/0/") && reason.contains("--serve-artifacts"), "{reason}");
}

#[tokio::test]
async fn a_registered_model_of_somebody_else_is_left_alone() {
    for server in servers() {
        let place = place(server).await;
        place.post("registered-models/create", json!({ "name": place.model })).await;
        let version = place.train(1).await;
        place.promote(&version).await;
        place.send().await;
        let reason = place.report().await.last_refusal.unwrap().reason;
        let theirs = format!("MLflow has a registered model `{}` that is not ours: ", place.model);
        assert!(reason.starts_with(&theirs), "{reason}");
        let model = place.get("registered-models/get", &[("name", place.model.as_str())]).await;
        assert!(model["registered_model"]["aliases"].as_array().is_none_or(Vec::is_empty), "{model}");

        // Given to us, it is ours.
        let tag = json!({ "name": place.model, "key": "pappus.model", "value": place.model });
        place.post("registered-models/set-tag", tag).await;
        place.tracking.put_back().await.unwrap();
        place.send().await;
        assert_eq!(place.aliases(&[&version]).await, [Some(version.clone()), None]);
    }
}

#[tokio::test]
async fn several_processes_at_once_tell_all_once() {
    for server in servers() {
        let place = place(server).await;
        let version = live(&place).await;
        let others: Vec<Tracking> = (0..4).map(|_| place.another(Sending::WhenAsked)).collect();
        let sending = others.iter().map(|tracking| async { tracking.send().await.unwrap() });
        let rounds = futures::future::join_all(sending).await;
        let told: usize = rounds.iter().map(|round| if let Round::Done { told } = round { *told } else { 0 }).sum();
        assert_eq!(told, 4, "{rounds:?}");
        check(&place, &version).await;
    }
}

#[tokio::test]
async fn a_process_tells_beside_its_work_and_tries_again_by_itself() {
    let place = place(fake()).await;
    place.proxy.decide(|number, _| if number < 2 { Fate::Lost } else { Fate::Pass });
    let beside = place.another(Sending::Beside);
    beside.attend();
    beside.attend();
    let version = live(&place).await;
    beside.tell(News::Release { model: place.model.clone() }).await;
    while place.report().await.waiting > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    beside.close().await;
    check(&place, &version).await;
    let left = place.catalog.lease("tracking").await.unwrap();
    assert!(left.is_none_or(|lease| lease.is_expired(pappus_domain::Timestamp::now())), "the lease was given back");
}

#[tokio::test]
async fn a_process_that_may_be_frozen_tells_only_when_asked() {
    let place = place(fake()).await;
    let frozen = place.another(Sending::WhenAsked);
    frozen.attend();
    frozen.tell(News::run(place.begin(1).await)).await;
    assert!(place.proxy.seen().is_empty());
    frozen.flush(Duration::from_secs(60)).await;
    assert_eq!(place.report().await.waiting, 0);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_set_aside_as_it_is() {
    let place = place(fake()).await;
    for (name, bytes) in [("0199aaaa-0000-7000-8000-000000000000.json", &b"{\"of\":\"weather\"}"[..]), ("x", b"\xff")] {
        place.put(&format!("tracking/outbox/{name}"), bytes).await;
    }
    place.begin(1).await;
    assert_eq!(place.send().await, 1);
    let report = place.report().await;
    assert_eq!((report.waiting, report.refused), (0, 2));
    assert!(report.last_refusal.unwrap().reason.starts_with("the entry cannot be read: "));
    assert_eq!(place.tracking.put_back().await.unwrap(), 2);
    assert_eq!(place.report().await.waiting, 2);
}

#[tokio::test]
async fn an_entry_that_is_too_large_is_set_aside_and_the_rest_goes_on() {
    let place = place(fake()).await;
    // Before all others, by its name.
    let entry = "x".repeat((1 << 20) + 1);
    place.put("tracking/outbox/0199aaaa-0000-7000-8000-000000000000.json", entry.as_bytes()).await;
    place.begin(1).await;
    assert_eq!(place.send().await, 1);
    assert_eq!(place.run(1).await.status, "RUNNING");
    let report = place.report().await;
    assert_eq!((report.waiting, report.refused, report.trouble), (0, 1, None));
    let reason = report.last_refusal.unwrap().reason;
    assert!(reason.ends_with("has 1048577 bytes: at most 1048576 are read here"), "{reason}");
    assert_eq!(count_of(&place, "tracking_refused_total"), 1);
}

#[tokio::test]
async fn news_of_what_is_not_there_is_set_aside() {
    let place = place(fake()).await;
    let run = samples::run(7, "pets").request.run;
    place.tracking.tell(News::run(run)).await;
    place.tracking.tell(News::Version { model: place.model.clone(), version: samples::version(7) }).await;
    assert_eq!(place.send().await, 0);
    assert_eq!(place.report().await.refused, 2);
}

#[tokio::test]
async fn where_nobody_is_told_nothing_is_written() {
    let place = place(fake()).await;
    let nobody =
        Tracking::new(None, place.objects.clone(), place.catalog.clone(), &Metrics::default(), Sending::Beside);
    nobody.attend();
    nobody.tell(News::Release { model: place.model.clone() }).await;
    nobody.flush(Duration::from_secs(60)).await;
    assert!(nobody.send().await.is_none());
    assert_eq!(nobody.report().await.unwrap(), Report::default());
    // What waits for a server that is not named any more is not forgotten.
    place.begin(1).await;
    assert_eq!(nobody.report().await.unwrap().waiting, 1);
}
