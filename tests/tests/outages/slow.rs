//! A server that takes two seconds more for every answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use pappus_tests::{Function, Home, Proxy, Trained, eventually, pictures};

use crate::standing::{images, releases};

const LATE: Duration = Duration::from_secs(2);

/// An ingest, a release and a prediction, at once, by way of a slow server: all of them end well. `variable` names the
/// server that is slow, in a home that stands on it.
pub fn work(home: &Home, trained: &Trained, variable: &str, url: &str) -> Result<()> {
    home.take_over(trained)?;
    let (before, released) = (images(home)?, releases(home)?);
    pictures::noise(home, "photos", "moss", 3)?;
    let photos = home.work().join("photos").display().to_string();
    let proxy = Proxy::before(url, LATE)?;
    let slowly = home.beside()?.with(variable, proxy.on_the_way(url));
    let id = std::thread::scope(|scope| {
        let ingest = scope.spawn(|| slowly.json(&["ingest", &photos]));
        let promote = scope.spawn(|| slowly.json(&["promote", "--force", &trained.first]));
        let id = prediction(home, &slowly, trained)?;
        for work in [ingest, promote] {
            work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        anyhow::Ok(id)
    })?;
    assert_eq!((images(home)?, releases(home)?), (before + 3, released + 1));
    let logged = home.json(&["status"])?;
    assert_eq!(logged["predictions_last_day"], 1, "{id} once");
    Ok(())
}

/// The id of an answer, once it is in the log.
fn prediction(home: &Home, slowly: &Home, trained: &Trained) -> Result<String> {
    let predict = Function::start(slowly, "predict", &[])?;
    eventually("a model answers", || Ok((predict.get("/model/info")?.status == 200).then_some(())))
        .with_context(|| predict.log())?;
    let answer = predict.post("/predict", "image/jpeg", &std::fs::read(&trained.pictures()?[0])?)?.expect(200)?;
    let id = answer.text("request_id").to_owned();
    eventually("it is logged", || Ok((home.run(&["why", &id])?.code == Some(0)).then_some(())))
        .with_context(|| predict.log())?;
    predict.stop()?;
    Ok(id)
}
