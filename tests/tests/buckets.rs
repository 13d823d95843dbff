//! A bucket as the store: what it tells of reaches the catalog, and what is wrong with it ends the start.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sts::config::{BehaviorVersion, Region};
use pappus_domain::Digest;
use pappus_objects::{Credentials, ObjectStore as _, PutMode, S3Store};
use pappus_tests::{Broker, Ended, Function, Home, Service, eventually, neighbour, pictures, place, unique};
use serde_json::Value;
use tokio::runtime::Runtime;

const INGESTED: &str = "io.pappus.image.ingested";

/// A MinIO of its own, and a home that stands on it; none where it is not to be had.
fn minio(data: Option<&Path>) -> Result<Option<(Service, Home)>> {
    // Where no servers are wanted none is built.
    if neighbour("PAPPUS_TEST_S3").is_none() {
        return Ok(None);
    }
    let environment: Vec<_> = data.map(|data| ("PAPPUS_MINIO_DATA", data)).into_iter().collect();
    let Some(minio) = Service::start("minio", &environment)? else { return Ok(None) };
    let mut home = Home::new()?;
    for variable in ["PAPPUS_OBJECTS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        home = home.with(variable, minio.setting(variable)?);
    }
    Ok(Some((minio, home)))
}

/// What somebody else puts into the bucket.
struct Bucket {
    store: S3Store,
    runtime: Runtime,
}

impl Bucket {
    fn of(minio: &Service) -> Result<Self> {
        let (id, secret) = (minio.setting("AWS_ACCESS_KEY_ID")?, minio.setting("AWS_SECRET_ACCESS_KEY")?);
        let credentials = Credentials::new(id, secret, None, None, "test");
        let runtime = Runtime::new()?;
        let store = runtime.block_on(S3Store::open(minio.setting("PAPPUS_OBJECTS")?, Some(credentials)))?;
        Ok(Self { store, runtime })
    }

    fn put(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        let key = key.parse()?;
        Ok(self.runtime.block_on(self.store.put(&key, bytes.into(), PutMode::Overwrite))?)
    }
}

/// The events route of a function.
fn events(function: &Function) -> String {
    format!("http://{}/events", function.address())
}

/// The ids of the images in the catalog, by whether they are good.
fn images(home: &Home, quarantined: bool) -> Result<BTreeSet<String>> {
    let arguments: &[&str] =
        if quarantined { &["images", "--limit", "1000", "--quarantined"] } else { &["images", "--limit", "1000"] };
    let listed = home.json(arguments)?;
    let ids = listed.as_array().context("a list")?.iter().filter(|image| {
        let is_bad = image["status"] == "quarantined";
        is_bad == quarantined
    });
    Ok(ids.filter_map(|image| image["id"].as_str().map(str::to_owned)).collect())
}

fn id_of(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

#[test]
fn an_object_that_is_put_into_the_bucket_appears_in_the_catalog() -> Result<()> {
    let Some((mut minio, home)) = minio(None)? else { return Ok(()) };
    let broker = Broker::start()?;
    let ingest = Function::start(&home, "ingest", &[("K_SINK", &broker.url())])?;
    minio.start_with(&["--notify", &events(&ingest)])?;
    let bucket = Bucket::of(&minio)?;
    let mut expected = BTreeSet::new();
    for (number, key) in
        ["incoming/moss/1.png", "incoming/moss/a b+c%.png", "incoming/löwe/蒲/1.png"].iter().enumerate()
    {
        let picture = pictures::png(64, 64, number as u32)?;
        expected.insert(id_of(&picture));
        bucket.put(key, picture)?;
    }
    // One that goes in parts.
    let large = pictures::png(1800, 1800, 77)?;
    ensure!(large.len() > 8 << 20, "{} bytes are one part", large.len());
    expected.insert(id_of(&large));
    bucket.put("incoming/moss/large.png", large)?;
    bucket.put("incoming/moss/notes.txt", b"no image".to_vec())?;
    bucket.put("elsewhere/moss/1.png", pictures::png(64, 64, 99)?)?;
    eventually("all are in the catalog", || Ok((images(&home, false)? == expected).then_some(())))
        .with_context(|| ingest.log())?;
    eventually("the bad one is, with the reason", || {
        Ok((images(&home, true)? == BTreeSet::from([id_of(b"no image")])).then_some(()))
    })?;
    let labels = &home.json(&["status"])?["images"]["labels"];
    assert_eq!(labels, &serde_json::json!({ "löwe": 1, "moss": 3 }));
    eventually("others are told", || Ok((broker.taken(INGESTED) >= expected.len()).then_some(())))?;
    ingest.stop()?;
    Ok(())
}

#[test]
fn what_is_put_while_ingest_is_away_is_taken_in_when_it_is_back() -> Result<()> {
    let Some((mut minio, home)) = minio(None)? else { return Ok(()) };
    let broker = Broker::start()?;
    let start = || Function::start(&home, "ingest", &[("K_SINK", &broker.url())]);
    let ingest = start()?;
    minio.start_with(&["--notify", &events(&ingest)])?;
    let bucket = Bucket::of(&minio)?;
    let mut expected = BTreeSet::new();
    for number in 0..40 {
        let picture = pictures::png(64, 64, number)?;
        expected.insert(id_of(&picture));
        bucket.put(&format!("incoming/moss/{number}.png"), picture)?;
    }
    eventually("it is in the middle of them", || Ok((broker.taken(INGESTED) >= 5).then_some(())))?;
    // As a crash would end it; and the server, which keeps what it could not tell.
    drop(ingest);
    let late = pictures::png(64, 64, 1000)?;
    expected.insert(id_of(&late));
    bucket.put("incoming/moss/late.png", late)?;
    minio.kill()?;
    minio.start_with(&[])?;
    let ingest = start()?;
    minio.start_with(&["--notify", &events(&ingest)])?;
    eventually("nothing is lost", || Ok((images(&home, false)? == expected).then_some(())))
        .with_context(|| ingest.log())?;
    ingest.stop()?;
    let status = home.json(&["status"])?;
    assert_eq!(status["images"]["stored"], expected.len(), "and nothing is there twice: {status}");
    Ok(())
}

#[test]
fn the_start_waits_for_a_store_that_is_away() -> Result<()> {
    let Some((mut minio, home)) = minio(None)? else { return Ok(()) };
    minio.kill()?;
    let refusal = home.refusal(1, &["status"])?;
    assert!(refusal.contains("PAPPUS_OBJECTS cannot be used: the object store s3://pappus/ at http://"), "{refusal}");
    assert!(refusal.contains("cannot be reached"), "{refusal}");
    let waiting = std::thread::scope(|scope| {
        let ingest = scope.spawn(|| Function::start(&home, "ingest", &[]));
        minio.start_with(&[])?;
        ingest.join().map_err(|_| anyhow::anyhow!("it panicked"))?
    })?;
    assert_eq!(waiting.get("/health/ready")?.status, 200);
    waiting.stop()?;
    Ok(())
}

/// What `pappus` says is wrong, on its one line.
fn one_line(home: &Home, arguments: &[&str]) -> Result<String> {
    let Ended { stderr, .. } = home.run(arguments)?.expect(2)?;
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: PAPPUS_OBJECTS cannot be used: "), "{stderr}");
    Ok(stderr)
}

#[test]
fn a_bucket_that_cannot_be_used_is_a_wrong_setting() -> Result<()> {
    let Some(url) = neighbour("PAPPUS_TEST_S3") else { return Ok(()) };
    let secret = std::env::var("AWS_SECRET_ACCESS_KEY").context("the server's secret key")?;
    let (_, query) = url.split_once('?').context("a URL with an endpoint")?;
    let absent = format!("s3://pappus-absent-{}?{query}", unique());
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = place(&url, &unique())?;
    for (variable, value, says) in [
        ("PAPPUS_OBJECTS", absent.as_str(), "make it, or name another"),
        ("AWS_ACCESS_KEY_ID", "NOBODYATALL", "it does not know AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "hidden", "AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID"),
        ("AWS_ACCESS_KEY_ID", "", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ] {
        let home = Home::new()?.with("PAPPUS_OBJECTS", &url).with("AWS_EC2_METADATA_DISABLED", "true");
        let home = home.with("HOME", "/nonexistent").with(variable, value);
        let line = one_line(&home, &["status"])?;
        assert!(line.contains(says), "{line}");
        assert!(!line.contains(&secret) && !line.contains("hidden"), "{line}");
        let started = Function::start(&home, "ingest", &[]).err().context("it cannot start")?.to_string();
        assert!(started.contains(says), "{started}");
    }
    let home = Home::new()?.with("PAPPUS_OBJECTS", format!("s3://pappus?endpoint=http://{nobody}"));
    assert!(home.refusal(1, &["status"])?.contains("cannot be reached"));
    Ok(())
}

#[test]
fn whoever_only_reads_need_not_be_allowed_to_write() -> Result<()> {
    let Some(url) = neighbour("PAPPUS_TEST_S3") else { return Ok(()) };
    let url = place(&url, &unique())?;
    let mut home = Home::new()?.with("PAPPUS_OBJECTS", &url);
    for (variable, value) in readers_credentials(&url)? {
        home = home.with(variable, value);
    }
    assert_eq!(home.json(&["models"])?, Value::Array(Vec::new()));
    let predict = Function::start(&home, "predict", &[])?;
    assert_eq!(predict.get("/health")?.body["objects_connected"], true, "it waits for its first model");
    predict.stop()?;
    pictures::noise(&home, "photos", "moss", 1)?;
    let line = one_line(&home, &["ingest", "photos"])?;
    assert!(line.contains("allow this user to list, read and write it"), "{line}");
    Ok(())
}

/// Credentials that may read and no more, as the server gives them out for a while.
fn readers_credentials(url: &str) -> Result<[(&'static str, String); 3]> {
    let (_, query) = url.split_once("endpoint=").context("a URL with an endpoint")?;
    let endpoint = query.split('&').next().context("an endpoint")?;
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::*"]}]}"#;
    let keys = Credentials::new(
        std::env::var("AWS_ACCESS_KEY_ID")?,
        std::env::var("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "test",
    );
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(keys)
        .build();
    let asked = aws_sdk_sts::Client::from_conf(config)
        .assume_role()
        .role_arn("arn:aws:iam::123456789012:role/reader")
        .role_session_name("reader")
        .policy(policy)
        .send();
    let given = Runtime::new()?.block_on(asked)?.credentials.context("credentials")?;
    Ok([
        ("AWS_ACCESS_KEY_ID", given.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", given.secret_access_key),
        ("AWS_SESSION_TOKEN", given.session_token),
    ])
}
