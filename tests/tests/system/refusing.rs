//! Requests that are refused, each with the status and the reason.

use anyhow::Result;
use pappus_tests::{Home, Trained, Up, multipart, pictures};
use serde_json::json;

#[test]
fn a_request_that_is_wrong_is_told_what_is_wrong() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    let (no_file, no_file_body) = multipart(&[("picture", &jpeg)]);
    let (large, large_body) = multipart(&[("file", &vec![0; 11 << 20])]);
    let (many, many_body) = multipart(&vec![("files", jpeg.as_slice()); 65]);
    let (form, form_body) = multipart(&[("file", &jpeg)]);
    for (path, content_type, body, status, detail) in [
        ("/predict", no_file.as_str(), no_file_body.as_slice(), 400, "no field `file`"),
        ("/predict", &form, &form_body[..form_body.len() / 2], 400, "the form cannot be read"),
        ("/predict", "multipart/form-data", b"", 400, "boundary"),
        ("/predict", "image/jpeg", b"", 400, "empty"),
        ("/predict", "image/jpeg", b"no image", 400, "not an image of a known format"),
        ("/predict", "image/jpeg", &jpeg[..jpeg.len() / 2], 400, "cut off"),
        ("/predict", "image/png", &pictures::bomb()?, 400, "20000×20000"),
        ("/predict", "image/png", &pictures::png(8, 8, 1)?, 400, "8×8 pixels, smaller than 32×32"),
        ("/predict", "application/octet-stream", &vec![0; 11 << 20], 413, "send a smaller image"),
        ("/predict", &large, &large_body, 413, "send a smaller image"),
        ("/predict", "application/json", b"{}", 415, "`application/json` is not read"),
        ("/predict", "image/gif", &pictures::animated_gif(), 415, "GIF is not read"),
        ("/predict/batch", "image/jpeg", &jpeg, 415, "multipart/form-data"),
        ("/predict/batch", &no_file, &no_file_body, 400, "no field `files`"),
        ("/predict/batch", &many, &many_body, 400, "at most 64 images"),
        ("/predictions", "image/jpeg", &jpeg, 404, "there is no route POST /predictions"),
        ("/health", "application/json", b"{}", 405, "/health does not answer POST"),
        ("/events", "application/cloudevents+json", b"{", 400, "not a CloudEvent"),
        ("/events", "application/json", b"{}", 400, "this is no event that is known here"),
    ] {
        let answer = up.post(path, content_type, body)?;
        assert_eq!(answer.status, status, "{path} {content_type}: {answer:?}");
        assert!(answer.text("detail").contains(detail), "{path} {content_type}: {answer:?}");
    }
    up.post("/predict", &form, &form_body)?.expect(200)?;
    up.stop()?;
    assert_eq!(home.json(&["status"])?["predictions_last_day"], 1, "what was refused is not logged");
    Ok(())
}

#[test]
fn a_batch_answers_what_it_can() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    let (content_type, body) =
        multipart(&[("files", &jpeg), ("files", b"no image"), ("other", &jpeg), ("files", &jpeg)]);
    let answer = up.post("/predict/batch", &content_type, &body)?.expect(200)?;
    let results = answer.body["results"].as_array().cloned().unwrap_or_default();
    assert_eq!(results.len(), 3, "{answer:?}");
    assert!(results[0]["predicted_class"].is_string() && results[2]["predicted_class"].is_string(), "{answer:?}");
    assert_eq!(results[1]["filename"], "1.jpg");
    assert!(results[1]["error"].as_str().is_some_and(|error| error.contains("not an image")), "{answer:?}");
    assert_eq!(answer.text("model_version"), home.second);
    up.stop().map(drop)
}

#[test]
fn without_a_model_a_server_says_what_to_do() -> Result<()> {
    let home = Home::new()?;
    let up = Up::start(&home)?;
    let answer = up.post("/predict", "image/png", &pictures::png(64, 64, 1)?)?.expect(503)?;
    assert!(answer.text("detail").contains("no model is released yet: train one with `pappus train`"), "{answer:?}");
    let health = up.get("/health")?.expect(503)?;
    assert_eq!((health.text("status"), &health.body["database_connected"]), ("unhealthy", &json!(true)));
    up.get("/model/info")?.expect(503)?;
    up.get("/health/live")?.expect(200)?;
    assert_eq!(up.get("/")?.expect(200)?.body["model_version"], json!(null));
    up.stop().map(drop)
}
