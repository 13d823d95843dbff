//! What people are told: compared with files in `golden/`, which `PAPPUS_GOLDEN=write` writes anew.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::path::Path;

use common::webhook::Webhook;
use common::{Place, event, failed, place};
use pappus_catalog::contract::samples;
use pappus_domain::Event;
use pappus_domain::event::{ModelEvaluated, ReleaseChanged};
use pappus_domain::release::ReleaseAction;
use pappus_notify::Message;
use serde_json::json;

async fn told(place: &Place, event: &Event, file: &str) {
    let message = Message::of(event, &place.context).await.unwrap().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = format!("{message}\n");
    if std::env::var("PAPPUS_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{file}");
}

#[tokio::test]
async fn a_failed_training_says_why_and_who_goes_on_answering() {
    let place = place(&[]).await;
    let failed = failed(place.asked().await);
    told(&place, &event(&failed), "failed-before-any-release.txt").await;
    place.change(ReleaseAction::Promote, "promote", &samples::version(1)).await;
    told(&place, &event(&failed), "failed.txt").await;
}

#[tokio::test]
async fn a_verdict_comes_with_every_gate_and_its_figures() {
    let place = place(&[]).await;
    let first = place.judged(1, true, None).await;
    told(&place, &event(&first), "passed-first.txt").await;
    place.change(ReleaseAction::Promote, "promote", &first.version).await;
    told(&place, &event(&first), "passed-and-released.txt").await;
    let second = place.judged(2, true, Some(1)).await;
    told(&place, &event(&second), "passed.txt").await;
    let third = place.judged(3, false, Some(1)).await;
    told(&place, &event(&third), "failed-a-gate.txt").await;
}

#[tokio::test]
async fn a_release_says_who_changed_it_and_why_and_what_would_undo_it() {
    let place = place(&[]).await;
    let (first, second) = (place.judged(1, true, None).await, place.judged(2, true, Some(1)).await);
    let released = place.change(ReleaseAction::Promote, "promote", &first.version).await;
    told(&place, &event(&released), "released-first.txt").await;
    let released = place.change(ReleaseAction::Promote, "promote", &second.version).await;
    told(&place, &event(&released), "released.txt").await;
    let rolled_back = place.change(ReleaseAction::Rollback, "ada", &first.version).await;
    told(&place, &event(&rolled_back), "rolled-back.txt").await;
    told(&place, &event(&released), "released.txt").await;
}

#[tokio::test]
async fn what_the_catalog_does_not_know_is_told_as_far_as_the_event_says_it() {
    let place = place(&[]).await;
    told(&place, &event(&failed(pappus_domain::RunId(samples::uuid(7)))), "failed-unknown.txt").await;
    let judged = place.judged(1, true, None).await;
    // Judged since on other images, and otherwise.
    let other = ModelEvaluated { data_set: samples::digest(9), ..judged.clone() };
    told(&place, &event(&other), "passed-since-judged-again.txt").await;
    let released = ReleaseChanged { model: judged.model, generation: 4, champion: samples::version(8) };
    told(&place, &event(&released), "released-unknown.txt").await;
}

#[tokio::test]
async fn of_another_model_nothing_is_told() {
    let place = place(&[]).await;
    let mut failed = failed(place.asked().await);
    failed.model = samples::name("plants");
    assert_eq!(Message::of(&event(&failed), &place.context).await.unwrap(), None);
}

/// Reference: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
#[tokio::test]
async fn slack_gets_text_and_blocks_in_which_nothing_has_a_meaning_of_its_own() {
    let webhook = Webhook::start().await;
    let place = place(&[("PAPPUS_NOTIFY_WEBHOOK", &webhook.url)]).await;
    let mut failed = failed(place.asked().await);
    failed.message = format!("{} <!channel> & \u{7}\nmore", "x".repeat(600));
    place.deliver(&event(&failed)).await.unwrap();
    failed.message = "<!channel> R&D".into();
    place.deliver(&event(&failed)).await.unwrap();
    let taken = webhook.taken();
    let long = taken[0]["text"].as_str().unwrap();
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!((lines.len(), lines[1].chars().count()), (5, 500), "{long}");
    let run = failed.run;
    let section = format!(
        "&lt;!channel&gt; R&amp;D\nrun {run}, asked for 2023-11-14T22:13:21Z: 50 new images\nnothing is released yet\n\
         next: `pappus runs` lists the trainings; with the reason mended, `pappus train` tries again"
    );
    let wanted = json!({
        "text": format!("pets: a training failed\n{section}"),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "pets: a training failed" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": section } },
        ],
    });
    assert_eq!(taken[1], wanted);
}

#[tokio::test]
async fn no_section_is_longer_than_slack_allows() {
    let webhook = Webhook::start().await;
    let place = place(&[("PAPPUS_NOTIFY_WEBHOOK", &webhook.url)]).await;
    let judged = place.judged(1, false, None).await;
    let mut evaluation = place.context.catalog.evaluation(&judged.model, &judged.version).await.unwrap().unwrap();
    let mut gate = evaluation.verdict.gates.pop().unwrap();
    gate.figures = "<".repeat(400);
    evaluation.verdict.gates = vec![gate; 20];
    place.context.catalog.record_evaluation(&evaluation).await.unwrap();
    place.deliver(&event(&judged)).await.unwrap();
    let taken = webhook.taken();
    let section = taken[0]["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(section.len() < 3000 && section.ends_with("&lt;\n…"), "{section}");
}
