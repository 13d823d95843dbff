//! Answers, what they go back to, and another version taking over while they are given.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use pappus_tests::{Trained, Up, eventually, multipart};

#[test]
fn an_answer_goes_back_to_its_training_images_after_shutdown() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    let (content_type, body) = multipart(&[("file", &jpeg)]);
    let (batch_type, batch_body) = multipart(&[("files", &jpeg)]);
    let by_form = up.post("/predict", &content_type, &body)?.expect(200)?;
    let by_body = up.post("/predict", "image/jpeg", &jpeg)?.expect(200)?;
    let by_batch = up.post("/predict/batch", &batch_type, &batch_body)?.expect(200)?;
    assert_eq!(by_form.body["all_probabilities"], by_body.body["all_probabilities"]);
    assert_eq!(up.get("/model/info")?.expect(200)?.text("model_version"), home.second);
    up.stop()?;

    let of_batch = by_batch.body["results"][0]["request_id"].as_str().unwrap_or_default();
    for (id, source) in
        [(by_form.text("request_id"), "http"), (by_body.text("request_id"), "http"), (of_batch, "batch")]
    {
        let told = home.json(&["why", id])?;
        assert_eq!(
            (told["prediction"]["source"].as_str(), told["prediction"]["id"].as_str()),
            (Some(source), Some(id))
        );
        assert_eq!(told["prediction"]["class"], by_form.body["predicted_class"]);
        assert_eq!(told["model"]["version"], home.second.as_str());
        assert!(told["training_images"].as_u64() > Some(0), "{told}");
    }
    Ok(())
}

#[test]
fn a_rollback_by_another_process_takes_over_without_a_failed_request() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    let (over, failed) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<usize> {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        let answer = up.post("/predict", "image/jpeg", &jpeg).and_then(|answer| answer.expect(200));
                        failed.fetch_or(answer.is_err(), Ordering::Relaxed);
                        let version = answer?.text("model_version").to_owned();
                        ensure!(version == home.first || version == home.second, "version {version} answered");
                        answered += 1;
                    }
                    Ok(answered)
                })
            })
            .collect();
        let answers = |version: &str| {
            eventually("the other version answers", || {
                let answers = up.get("/model/info")?.text("model_version") == version;
                Ok((answers || failed.load(Ordering::Relaxed)).then_some(()))
            })
        };
        let changes = || -> Result<()> {
            for _ in 0..2 {
                home.json(&["rollback"])?;
                answers(&home.first)?;
                home.json(&["rollback"])?;
                answers(&home.second)?;
            }
            Ok(())
        };
        let changed = changes();
        over.store(true, Ordering::Relaxed);
        for client in clients {
            let answered = client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            assert!(answered > 0);
        }
        changed
    })?;
    up.stop().map(drop)
}
