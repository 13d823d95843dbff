//! The whole loop on the servers that teams have, with each function in a process of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use pappus_objects::{Objects, PutMode};
use pappus_tests::{Database, Fleet, Home, Mlflow, Trained, eventually, neighbour, pictures, place, runtime, unique};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The loop, from pictures put into the store to an answer and back.
fn the_loop(home: &Home, objects: &str) -> Result<()> {
    let fleet = Fleet::start(home)?;
    // A training begins with any 50 that are new: also the last of them, before the end, has its 20 test images.
    let drawn = pictures::sample(home, "photos", 2, 110)?;
    let (dandelions, grasses) = (pictures::files(&drawn.join("dandelion"))?, pictures::files(&drawn.join("grass"))?);
    for path in dandelions.iter().zip(&grasses).flat_map(|(dandelion, grass)| [dandelion, grass]) {
        let told = put(objects, &drawn, path)?.to_string();
        fleet.ingest.post("/events", "application/json", told.as_bytes())?.expect(204)?;
    }
    eventually("a model answers", || Ok((fleet.predict.get("/health/ready")?.status == 200).then_some(())))
        .with_context(|| fleet.logs())?;
    let answer = fleet.predict.post("/predict", "image/jpeg", &std::fs::read(&dandelions[0])?)?.expect(200)?;
    assert_eq!(answer.text("predicted_class"), "dandelion");
    fleet.stop()?;

    let status = home.json(&["status"])?;
    assert_eq!(status["images"]["labels"], json!({ "dandelion": 110, "grass": 110 }), "nothing twice, nothing lost");
    assert_eq!(status["predictions_last_day"], 1);
    let why = home.json(&["why", answer.text("request_id")])?;
    assert_eq!(why["prediction"]["class"], "dandelion", "{why}");
    Ok(())
}

/// Puts a picture into the bucket under `incoming/<label>/`; what S3 then says.
fn put(objects: &str, drawn: &Path, path: &Path) -> Result<Value> {
    let name = format!("incoming/{}", path.strip_prefix(drawn)?.display());
    let bytes = std::fs::read(path)?;
    Runtime::new()?.block_on(async {
        let store: Objects = pappus_objects::open(objects).await?;
        store.put(&name.parse()?, bytes.into(), PutMode::Overwrite).await?;
        anyhow::Ok(())
    })?;
    let (address, _) = objects.split_once('?').context("an s3 URL")?;
    let (bucket, prefix) = address.trim_start_matches("s3://").split_once('/').context("a folder of a bucket")?;
    let record = json!({
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-20T09:15:30.123Z",
        "s3": { "bucket": { "name": bucket }, "object": { "key": format!("{prefix}/{name}"), "size": 1, "eTag": "1" } },
    });
    Ok(json!({ "Records": [record] }))
}

#[test]
fn the_loop_runs_on_minio_and_mariadb_and_mlflow_is_told() -> Result<()> {
    let servers = (neighbour("PAPPUS_TEST_S3"), neighbour("PAPPUS_TEST_MYSQL"), neighbour("PAPPUS_TEST_MLFLOW"));
    let ((Some(s3), Some(mysql), Some(url)), Some(_)) = (servers, runtime()?) else { return Ok(()) };
    let (objects, database, model) = (place(&s3, &unique())?, Database::new(&mysql)?, format!("plants-{}", unique()));
    let home = Home::new()?.with("PAPPUS_OBJECTS", &objects).with("PAPPUS_CATALOG", database.url());
    let home = home.with("PAPPUS_TRACKING", &url).with("PAPPUS_MODEL", &model);
    the_loop(&home, &objects)?;

    // A function that was stopped while it told MLflow something leaves its lease to run out.
    let status = eventually("MLflow is told of all", || {
        home.run(&["track"])?;
        let status = home.json(&["status"])?;
        Ok((status["tracking"]["waiting"] == 0).then_some(status))
    })?;
    let mlflow = Mlflow { url };
    assert_eq!(mlflow.champion(&model)?.as_deref(), status["release"]["champion"].as_str());
    let (runs, told) = (home.json(&["runs"])?, mlflow.runs(&model)?);
    let done = runs.as_array().into_iter().flatten().filter(|run| run["status"] == "succeeded");
    for run in done {
        let (how, _) = told.get(run["run"].as_str().unwrap_or_default()).with_context(|| format!("{run} is told"))?;
        assert_eq!(how, "FINISHED", "{run}");
    }
    Ok(())
}

#[test]
fn the_loop_runs_on_s3_and_dynamodb() -> Result<()> {
    let servers = (neighbour("PAPPUS_TEST_S3"), neighbour("PAPPUS_TEST_DYNAMODB"), runtime()?);
    let (Some(s3), Some(dynamodb), Some(_)) = servers else { return Ok(()) };
    let objects = place(&s3, &unique())?;
    let table = place(&dynamodb, &format!("pappus-{}", unique()))?;
    let home = Home::new()?.with("PAPPUS_OBJECTS", &objects).with("PAPPUS_CATALOG", table);
    the_loop(&home, &objects)
}

/// The keys in the environment of the tests, as lines of a file of settings.
fn keys() -> String {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    names.iter().filter_map(|name| Some(format!("{name}='{}'\n", std::env::var(name).ok()?))).collect()
}

#[test]
fn a_home_moves_to_servers_and_back() -> Result<()> {
    let servers = (neighbour("PAPPUS_TEST_S3"), neighbour("PAPPUS_TEST_MYSQL"), neighbour("PAPPUS_TEST_DYNAMODB"));
    let (Some(s3), Some(mysql), Some(dynamodb)) = servers else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    // Whoever opened a server with the keys of the process instead of those of its file would be turned away.
    let home = Home::copy_of(trained.work())?;
    let home = home.with("AWS_ACCESS_KEY_ID", "wrong").with("AWS_SECRET_ACCESS_KEY", "wrong");
    let database = Database::new(&mysql)?;
    let (first, second) = (place(&s3, &unique())?, place(&s3, &unique())?);
    let table = place(&dynamodb, &format!("pappus-{}", unique()))?;
    let settings = |file: &str, objects: &str, catalog: &str| {
        let lines = format!("PAPPUS_OBJECTS='{objects}'\nexport PAPPUS_CATALOG={catalog}\n{}", keys());
        std::fs::write(home.work().join(file), lines)
    };
    settings("mysql.env", &first, &database.url())?;
    settings("dynamodb.env", &second, &table)?;
    let moves = [("home", "mysql.env"), ("mysql.env", "dynamodb.env"), ("dynamodb.env", "back")];
    let reports = moves.map(|(from, to)| home.json(&["migrate", from, to]));
    let [first, second, back] = reports.map(|report| report.map(|report| report["records"].clone()));
    let (first, second, back) = (first?, second?, back?);
    assert!(first.as_array().is_some_and(|kinds| !kinds.is_empty()), "{first}");
    assert_eq!((&first, &second), (&second, &back), "whatever holds it, it is the same");
    assert_eq!(home.json(&["--home", "home", "models"])?, home.json(&["--home", "back", "models"])?);
    Ok(())
}
