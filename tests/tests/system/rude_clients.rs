//! Clients that hang up, and clients that all come at once.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use pappus_tests::{Answer, Trained, Up};

#[test]
fn clients_that_hang_up_do_not_keep_others_from_an_answer() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    for _ in 0..20 {
        let mut in_the_head = up.connect()?;
        in_the_head.write_all(b"POST /predict HTTP/1.1\r\nhost: he")?;
        let mut in_the_body = up.begin_post("/predict", "image/jpeg", jpeg.len())?;
        in_the_body.write_all(&jpeg[..jpeg.len() / 2])?;
        let mut before_the_answer = up.begin_post("/predict", "image/jpeg", jpeg.len())?;
        before_the_answer.write_all(&jpeg)?;
        let mut no_http = up.connect()?;
        no_http.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")?;
        // All of them hang up here.
    }
    // One that hung up in a chunk of its body, and one that never says a word.
    let mut chunked = up.connect()?;
    chunked.write_all(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nffff\r\nabc")?;
    drop(chunked);
    let silent = up.connect()?;
    for _ in 0..5 {
        up.post("/predict", "image/jpeg", &jpeg)?.expect(200)?;
    }
    drop(silent);
    up.get("/health")?.expect(200)?;
    let ended = up.stop()?;
    assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
    Ok(())
}

#[test]
fn many_clients_at_once_are_all_answered() -> Result<()> {
    const CLIENTS: usize = 64;
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    // Every request is begun before the first is sent to its end.
    let mut streams =
        (0..CLIENTS).map(|_| up.begin_post("/predict", "image/jpeg", jpeg.len())).collect::<Result<Vec<_>>>()?;
    for stream in &mut streams {
        stream.write_all(&jpeg)?;
    }
    let mut answered = 0;
    for mut stream in streams {
        let mut answer = Answer::read(&mut stream)?;
        // A server that has no room says so, and is asked again.
        while answer.status == 429 {
            assert!(answer.text("detail").contains("try again"), "{answer:?}");
            answer = up.post("/predict", "image/jpeg", &jpeg)?;
        }
        let answer = answer.expect(200).context("one of many")?;
        assert_eq!(answer.text("model_version"), home.second);
        answered += 1;
    }
    up.stop()?;
    assert_eq!((answered, home.json(&["status"])?["predictions_last_day"].as_u64()), (CLIENTS, Some(CLIENTS as u64)));
    Ok(())
}
