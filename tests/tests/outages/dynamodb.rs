//! DynamoDB's API, which speaks HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use pappus_objects::PutMode;
use pappus_tests::{Answer, Function, Home, Trained, eventually, neighbour, pictures, place, unique};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

use crate::standing::{images, standing_on};
use crate::{catalog, crash, slow};

#[test]
fn an_ingest_and_a_training_outlive_a_crash_of_dynamodb() -> Result<()> {
    let Some((mut dynamodb, home)) = standing_on("dynamodb")? else { return Ok(()) };
    let table = place(dynamodb.setting("PAPPUS_CATALOG")?, "another")?;
    let another = Home::new()?.on(&dynamodb).with("PAPPUS_CATALOG", table);
    crash::ingest_and_training(&home, &another, &mut dynamodb, &catalog::SAYS)
}

#[test]
fn a_release_has_happened_once_or_not_at_all_when_dynamodb_crashes() -> Result<()> {
    let Some((mut dynamodb, home)) = standing_on("dynamodb")? else { return Ok(()) };
    catalog::releasing(&home, &mut dynamodb)
}

#[test]
fn work_ends_well_on_a_slow_dynamodb() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_DYNAMODB") else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let table = place(&server, &format!("pappus-{}", unique()))?;
    let home = Home::new()?.with("PAPPUS_CATALOG", &table);
    slow::work(&home, &trained, "PAPPUS_CATALOG", &table)
}

/// A way to a server that turns requests away, as for a table of which too much is asked, while it is told to.
struct Throttle {
    address: SocketAddr,
    is_on: Arc<AtomicBool>,
    turned_away: Arc<AtomicU64>,
    // Ends it when dropped.
    _runtime: Runtime,
}

impl Throttle {
    fn before(endpoint: &str) -> Result<Self> {
        let (is_on, turned_away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (on, count, behind) = (is_on.clone(), turned_away.clone(), endpoint.to_owned());
        let answer = async move |headers: HeaderMap, body: Bytes| {
            if on.load(Ordering::Relaxed) {
                count.fetch_add(1, Ordering::Relaxed);
                return refusal();
            }
            let handed_on = spawn_blocking(move || hand_on(&behind, &headers, &body)).await;
            handed_on.ok().and_then(Result::ok).unwrap_or((StatusCode::BAD_GATEWAY, Vec::new()))
        };
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Ok(Self { address, is_on, turned_away, _runtime: runtime })
    }

    fn turn(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }
}

fn refusal() -> (StatusCode, Vec<u8>) {
    let code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    (StatusCode::BAD_REQUEST, json!({ "__type": code, "message": "too much" }).to_string().into_bytes())
}

fn hand_on(behind: &str, headers: &HeaderMap, body: &[u8]) -> Result<(StatusCode, Vec<u8>)> {
    let asked = ureq::post(behind).config().http_status_as_error(false).build();
    let asked = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-") || *name == "authorization" || *name == "content-type")
        .fold(asked, |asked, (name, value)| asked.header(name, value));
    let mut answer = asked.send(body)?;
    Ok((answer.status(), answer.body_mut().read_to_vec()?))
}

/// Puts a picture into a home's own store; the delivery that tells ingest of it.
fn put(home: &Home, number: u32) -> Result<Vec<u8>> {
    let (key, picture) = (format!("incoming/moss/{number}.png"), pictures::png(64, 64, number)?);
    Runtime::new()?.block_on(async {
        let store = pappus_objects::open(&format!("file://{}", home.path().join("objects").display())).await?;
        store.put(&key.parse()?, picture.into(), PutMode::Overwrite).await?;
        anyhow::Ok(())
    })?;
    let object = json!({ "key": key, "size": 1, "eTag": "1" });
    let record = json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-20T09:15:30.123Z", "s3": { "bucket": { "name": "pappus" }, "object": object } });
    Ok(json!({ "Records": [record] }).to_string().into_bytes())
}

#[test]
fn an_ingest_outlasts_throttling_and_says_so_where_it_does_not_end() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_DYNAMODB") else { return Ok(()) };
    let table = place(&server, &format!("pappus-{}", unique()))?;
    let (_, endpoint) = table.split_once("endpoint=").context("an endpoint")?;
    let endpoint = endpoint.split('&').next().context("an endpoint")?;
    let throttle = Throttle::before(endpoint)?;
    let home = Home::new()?.with("PAPPUS_CATALOG", table.replace(endpoint, &format!("http://{}", throttle.address)));
    let ingest = Function::start(&home, "ingest", &[])?;
    let deliver = |body: &[u8]| -> Result<Answer> { ingest.post("/events", "application/json", body) };
    let (first, second) = (put(&home, 1)?, put(&home, 2)?);

    throttle.turn(true);
    std::thread::scope(|scope| {
        let delivered = scope.spawn(|| deliver(&first)?.expect(200));
        eventually("several requests are turned away", || {
            Ok((throttle.turned_away.load(Ordering::Relaxed) >= 4).then_some(()))
        })?;
        throttle.turn(false);
        delivered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    assert_eq!(images(&home)?, 1);

    throttle.turn(true);
    let refused = deliver(&second)?.expect(503)?;
    let detail = refused.text("detail");
    assert!(detail.contains("the catalog is busy: try again"), "{detail}");
    assert!(detail.contains("ProvisionedThroughputExceededException"), "{detail}");
    let refusal = home.refusal(1, &["status"])?;
    assert!(refusal.starts_with("PAPPUS_CATALOG cannot be used: the catalog is busy: try again"), "{refusal}");
    throttle.turn(false);
    for delivery in [&second, &first, &second] {
        deliver(delivery)?.expect(200)?;
    }
    assert_eq!(images(&home)?, 2, "nothing is lost, and nothing twice");
    ingest.stop()?;
    Ok(())
}
