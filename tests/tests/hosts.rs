//! The functions in processes of their own: the loop through events alone, on a server each behind a broker and on AWS
//! Lambda; and the same answers on every host. One test at a time: one of the gates is the latency on this machine.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Answer, Broker, Fleet, Function, Home, Lambda, Trained, Up, eventually, pictures, runtime};
use serde_json::{Value, json};

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a picture into the store under `incoming/<label>/`; what S3 then says.
fn put(home: &Home, drawn: &Path, path: &Path) -> Result<Value> {
    let name = path.strip_prefix(drawn)?.display().to_string();
    let incoming = home.path().join("objects/incoming").join(&name);
    std::fs::create_dir_all(incoming.parent().context("a folder")?)?;
    std::fs::copy(path, &incoming)?;
    let object = json!({ "key": format!("incoming/{name}"), "size": 1, "eTag": name });
    let record = json!({
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-20T09:15:30.123Z",
        "s3": { "bucket": { "name": "plants" }, "object": object },
    });
    Ok(json!({ "Records": [record] }))
}

/// Pictures of two classes, in turns.
fn drawn(home: &Home, count: usize) -> Result<(PathBuf, Vec<PathBuf>)> {
    let drawn = pictures::sample(home, "photos", 2, count)?;
    let (dandelions, grasses) = (pictures::files(&drawn.join("dandelion"))?, pictures::files(&drawn.join("grass"))?);
    let both = dandelions.into_iter().zip(grasses).flat_map(|(dandelion, grass)| [dandelion, grass]).collect();
    Ok((drawn, both))
}

const INGESTED: &str = "io.pappus.image.ingested";
const REQUESTED: &str = "io.pappus.training.requested";
const TRAINED: &str = "io.pappus.model.trained";
const EVALUATED: &str = "io.pappus.model.evaluated";
const RELEASED: &str = "io.pappus.release.changed";

#[test]
fn events_alone_join_the_functions_though_each_comes_twice() -> Result<()> {
    let _alone = alone();
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    // A training begins with any 50 that are new: also the last of them, before the end, has its 20 test images.
    let (drawn, pictures) = drawn(&home, 110)?;
    let fleet = Fleet::start(&home)?;
    let predict = &fleet.predict;
    assert_eq!(predict.get("/health/ready")?.status, 503, "there is no model yet");
    for path in &pictures {
        let told = put(&home, &drawn, path)?.to_string();
        for _ in 0..2 {
            fleet.ingest.post("/events", "application/json", told.as_bytes())?.expect(204)?;
        }
    }
    eventually("a model answers", || Ok((predict.get("/health/ready")?.status == 200).then_some(())))
        .with_context(|| fleet.logs())?;
    let answer = predict.post("/predict", "image/jpeg", &std::fs::read(&pictures[0])?)?.expect(200)?;
    assert_eq!(answer.text("predicted_class"), "dandelion");
    let released = eventually("the release is told of", || {
        let statuses = fleet.broker.delivered(RELEASED);
        Ok((statuses.len() >= 2).then_some(statuses))
    })?;
    assert!(released.iter().all(|status| *status == 204), "{released:?}");
    fleet.stop()?;

    let status = home.json(&["status"])?;
    assert_eq!(status["images"]["labels"], json!({ "dandelion": 110, "grass": 110 }), "nothing twice, nothing lost");
    assert_eq!(status["predictions_last_day"], 1);
    let models = home.json(&["models"])?;
    let passed = models.as_array().into_iter().flatten().filter(|model| model["verdict"] == "passed").count() as u64;
    let entries = status["ledger_entries"].as_u64().context("a ledger")?;
    assert!((1..=passed).contains(&entries), "each version is released at most once: {models}");
    home.check_objects()?;
    Ok(())
}

#[test]
fn events_that_come_late_and_twice_and_the_last_first_change_nothing() -> Result<()> {
    let _alone = alone();
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    let (drawn, pictures) = drawn(&home, 60)?;
    let by_hand = Home::copy_of(home.work())?;
    by_hand.json(&["ingest", "photos"])?;
    let version = by_hand.json(&["train"])?["version"].clone();

    let fleet = Fleet::joined_by(Broker::holding()?, &home)?;
    let broker = &fleet.broker;
    for path in &pictures {
        let told = put(&home, &drawn, path)?.to_string();
        fleet.ingest.post("/events", "application/json", told.as_bytes())?.expect(204)?;
    }
    broker.deliver_late();
    let order = broker.order();
    let released = order.iter().position(|kind| kind == RELEASED).with_context(|| fleet.logs())?;
    let before = order[..released].iter().filter(|kind| *kind == INGESTED).count();
    assert_eq!((before, broker.taken(INGESTED)), (1, pictures.len()), "the others come behind the release");
    for kind in [INGESTED, REQUESTED, TRAINED, EVALUATED, RELEASED] {
        let delivered = broker.delivered(kind);
        assert!(delivered.len() >= 2 && delivered.iter().all(|status| *status == 204), "{kind}: {delivered:?}");
    }
    assert_eq!(fleet.predict.get("/model/info")?.expect(200)?.body["model_version"], version);
    fleet.stop()?;

    let status = home.json(&["status"])?;
    assert_eq!(status["images"], by_hand.json(&["status"])?["images"]);
    let release = &status["release"];
    assert_eq!((&release["champion"], &release["generation"]), (&version, &json!(1)));
    assert_eq!((&status["ledger_entries"], &status["training"]), (&json!(1), &Value::Null));
    let (runs, models) = (home.json(&["runs"])?, home.json(&["models"])?);
    assert_eq!((runs.as_array().map(Vec::len), models.as_array().map(Vec::len)), (Some(1), Some(1)), "{runs} {models}");
    home.check_objects()?;
    Ok(())
}

/// Hands the answer of one function to the next, as EventBridge would.
fn bridged(answer: (String, Value), kind: &str) -> Result<Value> {
    let (how, event) = answer;
    ensure!(how == "response" && event["type"] == kind, "{how}: {event}");
    Ok(json!({ "version": "0", "source": "pappus", "detail-type": kind, "detail": event }))
}

#[test]
fn the_loop_runs_through_payloads_of_lambda() -> Result<()> {
    let _alone = alone();
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    let (drawn, pictures) = drawn(&home, 60)?;
    let mut ingest = Lambda::start(&home, "ingest")?;
    let mut told = Vec::new();
    for path in &pictures {
        told.push(bridged(ingest.invoke(&put(&home, &drawn, path)?)?, INGESTED)?);
    }
    let mut trigger = Lambda::start(&home, "train-trigger")?;
    let last = told.last().context("an event")?;
    let requested = bridged(trigger.invoke(last)?, REQUESTED)?;
    let (how, error) = trigger.invoke(last)?;
    assert_eq!(
        (how.as_str(), &error["errorType"]),
        ("error", &json!("Unavailable")),
        "not before it has begun: {error}"
    );
    let mut train = Lambda::start(&home, "train")?;
    let trained = bridged(train.invoke(&requested)?, TRAINED)?;
    assert_eq!(bridged(train.invoke(&requested)?, TRAINED)?["detail"]["id"], trained["detail"]["id"]);
    let mut evaluate = Lambda::start(&home, "evaluate")?;
    let evaluated = bridged(evaluate.invoke(&trained)?, EVALUATED)?;
    assert_eq!(evaluated["detail"]["data"]["passed"], true, "{evaluated}");
    let mut predict = Lambda::start(&home, "predict")?;
    assert_eq!(predict.ask("GET", "/health/ready", "", b"")?.0, 503);
    let mut promote = Lambda::start(&home, "promote")?;
    bridged(promote.invoke(&evaluated)?, RELEASED)?;
    let again = bridged(promote.invoke(&evaluated)?, RELEASED)?;
    // It is not told: it catches up by itself.
    eventually("predict answers", || Ok((predict.ask("GET", "/health/ready", "", b"")?.0 == 200).then_some(())))?;
    let (status, body) = predict.ask("POST", "/predict", "image/jpeg", &std::fs::read(&pictures[0])?)?;
    let answer: Value = serde_json::from_slice(&body)?;
    assert_eq!((status, &answer["predicted_class"]), (200, &json!("dandelion")), "{answer}");
    assert_eq!(answer["model_version"], again["detail"]["data"]["champion"]);
    // Written before the answer went out: from now on the process may be frozen for ever.
    let logged = home.json(&["why", answer["request_id"].as_str().context("an id")?])?;
    assert_eq!(logged["prediction"]["class"], "dandelion");
    for function in [ingest, trigger, train, evaluate, promote, predict] {
        function.stop()?;
    }
    Ok(())
}

#[test]
fn what_was_answered_is_logged_before_lambda_freezes_the_process() -> Result<()> {
    let _alone = alone();
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let mut predict = Lambda::start(&home, "predict")?;
    for picture in &home.pictures()?[..12] {
        let jpeg = std::fs::read(picture)?;
        // Behind another, for then the log lets more gather unless it is told to write.
        predict.ask("POST", "/predict", "image/jpeg", &jpeg)?;
        predict.ask_and_freeze(&jpeg, |answer| {
            let logged = home.json(&["why", answer["request_id"].as_str().context("an id")?])?;
            ensure!(logged["prediction"]["class"] == answer["predicted_class"], "{logged}");
            Ok(())
        })?;
    }
    predict.stop().map(drop)
}

/// The same in every answer: what differs from one time to the next is taken out.
fn lasting(mut json: Value) -> Value {
    for name in
        ["request_id", "prediction_time_ms", "timestamp", "model_loaded_at", "batch_id", "time", "id", "subject"]
    {
        if let Some(fields) = json.as_object_mut() {
            fields.remove(name);
        }
    }
    if let Some(prediction) = json.pointer_mut("/data/prediction").and_then(Value::as_object_mut) {
        prediction.retain(|name, _| !matches!(name.as_str(), "id" | "latency_us" | "at"));
    }
    json
}

#[test]
fn every_host_gives_the_same_answers() -> Result<()> {
    let _alone = alone();
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let picture = std::fs::read(&home.pictures()?[0])?;
    let image_event = json!({
        "specversion": "1.0", "id": "7", "source": "/camera", "type": "com.example.photo",
        "datacontenttype": "image/jpeg", "data_base64": base64_of(&picture),
    });
    let unknown = json!({ "specversion": "1.0", "id": "7", "source": "/s", "type": "com.example.other", "data": {} });
    let structured = "application/cloudevents+json";
    let asked: Vec<(&str, &str, &str, Vec<u8>)> = vec![
        ("GET", "/model/info", "", Vec::new()),
        ("POST", "/predict", "image/jpeg", picture.clone()),
        ("POST", "/predict", "image/jpeg", b"no image".to_vec()),
        ("POST", "/predict", "text/plain", b"no image".to_vec()),
        ("POST", "/predict", "image/jpeg", Vec::new()),
        ("POST", "/predict", "image/jpeg", vec![0; 7 << 20]),
        ("POST", "/predict", "image/jpeg", vec![0; 11 << 20]),
        ("GET", "/predict", "", Vec::new()),
        ("GET", "/nowhere", "", Vec::new()),
        ("POST", "/events", structured, image_event.to_string().into_bytes()),
        ("POST", "/events", structured, unknown.to_string().into_bytes()),
        ("POST", "/events", "application/json", b"{}".to_vec()),
    ];
    let up = Up::start(&home)?;
    let function = Function::start(&home, "predict", &[])?;
    let mut lambda = Lambda::start(&home, "predict")?;
    for (method, path, content_type, body) in &asked {
        let get = |answer: Answer| (u64::from(answer.status), lasting(answer.body));
        let over_http = match *method {
            "GET" => [get(up.get(path)?), get(function.get(path)?)],
            _ => [get(up.post(path, content_type, body)?), get(function.post(path, content_type, body)?)],
        };
        // Events that come over HTTP are for whoever is known there: nothing else keeps strangers out.
        let (status, answer) = lambda.ask_by_iam(method, path, content_type, body)?;
        let on_lambda = (status, lasting(serde_json::from_slice(&answer)?));
        assert_eq!(over_http[1], on_lambda, "{method} {path}");
        // The functions together take more kinds of event than one, and say so.
        if over_http[0].1["detail"].as_str().is_none_or(|detail| !detail.contains("are not taken here")) {
            assert_eq!(over_http[0], on_lambda, "{method} {path}");
        }
    }
    let alone = function.post("/model/reload", "", b"")?.expect(403)?;
    let (status, refused) = lambda.ask("POST", "/model/reload", "", b"")?;
    assert_eq!((status, serde_json::from_slice::<Value>(&refused)?), (403, alone.body), "who asks is not known there");
    up.post("/model/reload", "", b"")?.expect(200)?;
    assert_eq!(lambda.ask_by_iam("POST", "/model/reload", "", b"")?.0, 200);
    let (how, direct) = lambda.invoke(&image_event)?;
    assert_eq!((how.as_str(), &direct["type"]), ("response", &json!("io.pappus.prediction.made")));
    assert_eq!((&direct["data"]["asked_by"], &direct["data"]["asked_as"]), (&json!("/camera"), &json!("7")));
    let mut timed = image_event;
    timed["time"] = json!("2026-11-20T09:15:30Z");
    let once = lambda.invoke(&timed)?;
    assert_eq!(lambda.invoke(&timed)?, once, "the same event again is the same prediction");
    Ok(())
}

#[test]
fn a_train_function_that_is_asked_to_stop_leaves_its_training_to_another() -> Result<()> {
    let _alone = alone();
    if runtime()?.is_none() {
        return Ok(());
    }
    let home = Home::new()?;
    // Enough to learn from for longer than is looked at here.
    for class in ["fern", "grass", "maple", "moss"] {
        pictures::noise(&home, "photos", class, 60)?;
    }
    home.json(&["ingest", "photos"])?;
    let structured = "application/cloudevents+json";
    let trigger = Function::start(&home, "train-trigger", &[])?;
    let ingested = include_bytes!("../events/images-ingested.json");
    let requested = trigger.post("/", structured, ingested)?.expect(200)?.body.to_string();
    let train = Function::start(&home, "train", &[])?;
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| train.post("/", structured, requested.as_bytes()));
        eventually("a training is under way", || Ok((!home.json(&["status"])?["training"].is_null()).then_some(())))?;
        train.signal("TERM")?;
        asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    assert_eq!(home.json(&["status"])?["training"], Value::Null, "nobody has to wait for a lease to run out");
    assert_eq!(home.json(&["runs"])?[0]["status"], "running", "it may succeed yet, elsewhere");
    assert!(answer.expect(503)?.text("detail").contains("ask for it again"));
    train.wait()?.expect(0)?;
    trigger.stop().map(drop)
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn what_cannot_be_published_is_done_and_told_when_the_event_comes_again() -> Result<()> {
    let home = Home::new()?;
    let folder = pictures::noise(&home, "photos", "moss", 1)?;
    let told = put(&home, &folder, &pictures::files(&folder)?[0])?.to_string();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let ingest = Function::start(&home, "ingest", &[("K_SINK", &format!("http://{nobody}/"))])?;
    let answer = ingest.post("/", "application/json", told.as_bytes())?.expect(503)?;
    assert!(answer.text("detail").contains("the sink 127.0.0.1 (K_SINK) cannot be reached"), "{answer:?}");
    ingest.stop()?;
    assert_eq!(home.json(&["status"])?["images"]["stored"], 1, "state first, event second");

    let broker = Broker::start()?;
    let ingest = Function::start(&home, "ingest", &[("K_SINK", &broker.url())])?;
    ingest.post("/", "application/json", told.as_bytes())?.expect(204)?;
    assert_eq!(broker.taken(INGESTED), 1);
    ingest.stop()?;
    Ok(())
}

#[test]
fn keys_of_any_letters_are_found_and_those_that_are_none_are_refused() -> Result<()> {
    let home = Home::new()?;
    let mut ingest = Lambda::start(&home, "ingest")?;
    let created = |encoded: &str| {
        let object = json!({ "key": encoded, "eTag": "1" });
        json!({ "Records": [{ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "plants" }, "object": object } }] })
    };
    for (number, (encoded, key)) in [
        ("incoming/moss/a+b%2Bc.png", "incoming/moss/a b+c.png"),
        ("incoming/l%C3%B6we/%E8%92%B2.png", "incoming/löwe/蒲.png"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = home.path().join("objects").join(key);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, pictures::png(64, 64, number as u32)?)?;
        let (how, event) = ingest.invoke(&created(encoded))?;
        assert_eq!((how.as_str(), &event["data"]["stored"]), ("response", &json!(1)), "{event}");
    }
    assert_eq!(ingest.invoke(&created("incoming/moss/gone.png"))?, ("response".into(), Value::Null));
    for bad in ["incoming/moss/../../catalog.db", "incoming/moss//a.png", "incoming/%FF/a.png"] {
        let (how, error) = ingest.invoke(&created(bad))?;
        assert_eq!((how.as_str(), &error["errorType"]), ("error", &json!("Refused")), "{bad}: {error}");
    }
    ingest.stop()?;
    Ok(())
}
