//! predict while both its neighbours are away.

use anyhow::{Context as _, Result};
use pappus_tests::{Function, Home, Trained, eventually};

use crate::standing::server;

/// Answers to a picture: their ids.
fn answers(predict: &Function, jpeg: &[u8], version: &str, count: usize) -> Result<Vec<String>> {
    let one = |_| {
        let answer = predict.post("/predict", "image/jpeg", jpeg)?.expect(200)?;
        assert_eq!(answer.text("model_version"), version);
        Ok(answer.text("request_id").to_owned())
    };
    (0..count).map(one).collect()
}

/// How many answers the log could not take.
fn dropped(predict: &Function) -> Result<u64> {
    let metrics = ureq::get(format!("http://{}/metrics", predict.address())).call()?.body_mut().read_to_string()?;
    let line = metrics.lines().find_map(|line| line.strip_prefix("predictions_unlogged_total"));
    let count = line.and_then(|line| line.rsplit(' ').next()).with_context(|| format!("no count: {metrics}"))?;
    Ok(count.parse()?)
}

#[test]
fn predict_answers_while_both_are_away_and_logs_each_answer_once_they_are_back() -> Result<()> {
    let (Some(mut minio), Some(mut mariadb)) = (server("minio")?, server("mariadb")?) else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let home = Home::new()?.on(&minio).on(&mariadb);
    home.take_over(&trained)?;
    let jpeg = std::fs::read(&trained.pictures()?[0])?;
    let predict = Function::start(&home, "predict", &[])?;
    let mut ids = answers(&predict, &jpeg, &trained.second, 5)?;

    minio.kill()?;
    mariadb.kill()?;
    let waiting = home.path().join("predictions");
    eventually("answers wait on disk", || {
        ids.extend(answers(&predict, &jpeg, &trained.second, 5)?);
        Ok((waiting.is_dir() && std::fs::read_dir(&waiting)?.count() >= 3).then_some(()))
    })
    .with_context(|| predict.log())?;
    let health = predict.get("/health")?.expect(200)?;
    assert_eq!((health.text("status"), health.text("model_version")), ("degraded", trained.second.as_str()));
    assert_eq!((&health.body["database_connected"], &health.body["objects_connected"]), (&false.into(), &false.into()));
    assert_eq!(predict.get("/health/ready")?.status, 200, "it is not taken from those who ask");
    assert_eq!(dropped(&predict)?, 0);
    assert!(predict.log().contains("predictions could not be logged, to be tried again"), "{}", predict.log());

    mariadb.start_with(&[])?;
    minio.start_with(&[])?;
    eventually("nothing waits any more", || Ok((std::fs::read_dir(&waiting)?.count() == 0).then_some(())))?;
    ids.extend(answers(&predict, &jpeg, &trained.second, 1)?);
    assert_eq!(predict.get("/health")?.text("status"), "healthy");

    // What a process leaves behind that ends meanwhile, the next one logs.
    mariadb.kill()?;
    ids.extend(answers(&predict, &jpeg, &trained.second, 3)?);
    predict.stop()?;
    assert!(std::fs::read_dir(&waiting)?.count() > 0, "they are on disk");
    mariadb.start_with(&[])?;
    let predict = Function::start(&home, "predict", &[])?;
    eventually("nothing waits any more", || Ok((std::fs::read_dir(&waiting)?.count() == 0).then_some(())))?;
    predict.stop()?;
    assert_eq!(home.json(&["status"])?["predictions_last_day"], ids.len(), "each once");
    for id in &ids {
        assert_eq!(home.json(&["why", id])?["prediction"]["id"], **id);
    }
    Ok(())
}
