//! SIGTERM while requests are under way.

use std::io::Write as _;
use std::net::TcpListener;

use anyhow::{Context as _, Result};
use pappus_tests::{Answer, Function, Home, Trained, Up, eventually};

#[test]
fn requests_under_way_are_answered_and_logged_before_the_end() -> Result<()> {
    const BEGUN: usize = 16;
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let jpeg = std::fs::read(&home.pictures()?[0])?;
    // The server has asked for the bodies of these, so it has accepted them.
    let mut begun =
        (0..BEGUN).map(|_| up.begin_post("/predict", "image/jpeg", jpeg.len())).collect::<Result<Vec<_>>>()?;
    for stream in &mut begun {
        stream.write_all(&jpeg[..jpeg.len() / 2])?;
    }
    // These ask one thing after another, until there is nobody to answer.
    let mut ids = std::thread::scope(|scope| -> Result<Vec<String>> {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<Vec<String>> {
                    let mut ids = Vec::new();
                    while let Ok(answer) = up.post("/predict", "image/jpeg", &jpeg) {
                        ids.push(answer.expect(200)?.text("request_id").to_owned());
                    }
                    Ok(ids)
                })
            })
            .collect();
        eventually("answers are given", || {
            let text = up.get("/model/info")?.expect(200)?;
            Ok((text.text("model_version") == home.second).then_some(()))
        })?;
        up.signal("TERM")?;
        let mut ids = Vec::new();
        for client in clients {
            ids.extend(client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(ids)
    })?;
    for mut stream in begun {
        stream.write_all(&jpeg[jpeg.len() / 2..])?;
        let answer = Answer::read(&mut stream).context("a request under way")?.expect(200)?;
        ids.push(answer.text("request_id").to_owned());
    }
    let ended = up.wait()?.expect(0)?;
    assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);

    let logged = home.json(&["status"])?["predictions_last_day"].as_u64().unwrap_or_default();
    assert!(logged >= ids.len() as u64, "{logged} of {} answers are in the log", ids.len());
    // The last ones are those that could be lost.
    for id in ids.iter().rev().take(BEGUN) {
        assert_eq!(home.json(&["why", id])?["prediction"]["id"], id.as_str());
    }
    Ok(())
}

#[test]
fn a_server_with_nothing_to_do_stops_at_once() -> Result<()> {
    let home = pappus_tests::Home::new()?;
    for signal in ["TERM", "INT"] {
        let up = Up::start(&home)?;
        let idle = up.connect()?;
        up.signal(signal)?;
        let ended = up.wait()?.expect(0)?;
        assert!(!ended.stderr.contains("cut off"), "{}", ended.stderr);
        drop(idle);
    }
    Ok(())
}

#[test]
fn a_function_that_waits_for_its_neighbours_ends_when_it_is_asked_to() -> Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let home = Home::new()?.with("PAPPUS_OBJECTS", format!("s3://pappus?region=us-east-1&endpoint=http://{nobody}"));
    let home = home.with("AWS_ACCESS_KEY_ID", "nobody").with("AWS_SECRET_ACCESS_KEY", "none");
    let waiting = Function::launch(&home, "promote", &[])?;
    eventually("it waits", || Ok(waiting.log().contains("does not answer yet").then_some(())))?;
    waiting.signal("TERM")?;
    waiting.wait()?.expect(0)?;
    Ok(())
}
