//! A store in a bucket, on the server that `PAPPUS_TEST_S3` names.
#![cfg(feature = "s3")]
#![allow(clippy::expect_used, reason = "a test may fail so")]

mod common;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, ProvideCredentials as _};
use bytes::Bytes;
use common::fake::told;
use common::{key, store_of_its_own};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_objects::{
    Access, Allowed, Credentials, Error, ObjectStore, PutMode, S3Store, SignedUrl, Writing, contract, open,
};
use url::Url;

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let Some(url) = store_of_its_own("contract") else { return };
    contract::suite(&*open(&url).await.expect("it opens")).await;
}

/// The server behind a URL, for what a store does not do.
async fn configuration(url: &str) -> SdkConfig {
    let url = Url::parse(url).expect("a URL");
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let region = Region::new(of("region").unwrap_or_else(|| "us-east-1".into()));
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
    match of("endpoint") {
        Some(endpoint) => loader.endpoint_url(endpoint).load().await,
        None => loader.load().await,
    }
}

async fn client(url: &str) -> Client {
    Client::from_conf(Builder::from(&configuration(url).await).force_path_style(true).build())
}

/// What is not yet an object under a key.
async fn uploads(client: &Client, store: &dyn ObjectStore, name: &str) -> usize {
    let bucket = store.bucket().expect("it is a bucket");
    let listing = client.list_multipart_uploads().bucket(bucket.name).prefix(format!("{}{name}", bucket.prefix));
    listing.send().await.expect("they can be listed").uploads().len()
}

#[tokio::test]
async fn an_upload_that_does_not_end_well_leaves_no_parts() {
    let Some(url) = store_of_its_own("parts") else { return };
    let (store, client) = (open(&url).await.expect("it opens"), client(&url).await);
    let begun = || stream::iter([Ok(Bytes::from(vec![7; 20 << 20]))]);
    let failing = begun().chain(stream::iter([Err("a bad sector".into())])).boxed();
    let failed = store.put_stream(&key("a"), Writing { size: None, bytes: failing }, PutMode::Overwrite).await;
    assert!(matches!(failed, Err(Error::SourceFailed { .. })), "{failed:?}");
    assert_eq!(uploads(&client, &*store, "a").await, 0, "what failed leaves nothing behind");

    let (waits, waiting) = tokio::sync::oneshot::channel();
    let endless = stream::once(async move {
        waits.send(()).expect("the test listens");
        std::future::pending().await
    });
    let (name, writing) = (key("a"), Writing { size: None, bytes: begun().chain(endless).boxed() });
    tokio::select! {
        written = store.put_stream(&name, writing, PutMode::Overwrite) => panic!("it cannot have ended: {written:?}"),
        waits = waiting => waits.expect("it waits for more"),
    }
    let gone = async {
        while uploads(&client, &*store, "a").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("what is dropped leaves nothing behind");
}

#[tokio::test]
async fn a_check_leaves_nothing() {
    let Some(url) = store_of_its_own("check") else { return };
    let (store, client) = (open(&url).await.expect("it opens"), client(&url).await);
    store.check(Access::Write).await.expect("it can be used");
    assert_eq!(store.list("", None, 10).await.expect("it lists"), []);
    assert_eq!(uploads(&client, &*store, ".tmp/check").await, 0);
}

#[tokio::test]
async fn a_signed_url_is_for_one_object_and_one_use() {
    let Some(url) = store_of_its_own("signed") else { return };
    let store = open(&url).await.expect("it opens");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let name = key("images/1 +ü?#");
    let life = Duration::from_secs(60);
    let sign = async |allowed| -> SignedUrl {
        store.sign(&name, allowed, life).await.expect("it signs").expect("S3 has such URLs")
    };
    let (up, down) = (sign(Allowed::Upload).await, sign(Allowed::Download).await);
    let elsewhere = up.url.replace("/1%20", "/2%20");
    let (put, other, got, denied) = tokio::task::spawn_blocking(move || {
        let put = agent.put(&up.url).send(b"content").expect("an answer").status().as_u16();
        let other = agent.put(&elsewhere).send(b"content").expect("an answer").status().as_u16();
        let got = agent.get(&down.url).call().expect("an answer").body_mut().read_to_string().expect("a text");
        let denied = agent.put(&down.url).send(b"other").expect("an answer").status().as_u16();
        (put, other, got, denied)
    })
    .await
    .expect("it does not panic");
    assert_eq!((put, other, got.as_str(), denied), (200, 403, "content", 403));
    assert_eq!(store.get(&name, 10).await.expect("it is there"), "content");
}

#[tokio::test]
async fn a_bucket_that_is_missing_and_keys_that_are_wrong_are_told_at_once() {
    let Some(url) = store_of_its_own("hindered") else { return };
    let config = configuration(&url).await;
    let provider = config.credentials_provider().expect("the environment has credentials");
    let keys = provider.provide_credentials().await.expect("the environment has credentials");
    let (id, secret) = (keys.access_key_id(), keys.secret_access_key());

    let query = url.split_once('?').map_or("", |(_, query)| query);
    let absent = format!("s3://pappus-absent-{}?{query}", uuid::Uuid::now_v7());
    let error = check(&absent, Credentials::new(id, secret, None, None, "test")).await;
    assert!(matches!(error, Error::NoBucket { .. }), "{error:?}");
    for (id, secret, says) in [("NOBODYATALL", secret, "AWS_ACCESS_KEY_ID"), (id, "wrong", "AWS_SECRET_ACCESS_KEY")] {
        let error = check(&url, Credentials::new(id, secret, None, None, "test")).await;
        assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
        assert!(told(&error).contains(says), "{}", told(&error));
    }
}

async fn check(url: &str, credentials: Credentials) -> Error {
    let secret = credentials.secret_access_key().to_owned();
    let store = S3Store::open(url, Some(credentials)).await.expect("it opens");
    let error = store.check(Access::Write).await.expect_err("it cannot be used");
    assert!(!format!("{} {error:?}", told(&error)).contains(&secret), "a secret is shown");
    error
}

#[tokio::test]
async fn names_of_others_are_passed_over() {
    let Some(url) = store_of_its_own("others") else { return };
    let (store, client) = (open(&url).await.expect("it opens"), client(&url).await);
    let names: Vec<String> = (0..8).map(|number| format!("a/{number}")).collect();
    for name in &names {
        store.put(&key(name), Bytes::new(), PutMode::IfAbsent).await.expect("a free key can be written");
    }
    // What others make of folders, which is no key.
    let bucket = store.bucket().expect("it is a bucket");
    for folder in ["a/", "a/0.5/", "a/3.5/", "a/6.5/", "b/"] {
        let full = format!("{}{folder}", bucket.prefix);
        client.put_object().bucket(bucket.name).key(full).send().await.expect("it can be written");
    }
    for limit in 1..10 {
        let listed = store.list("", None, limit).await.expect("it lists");
        let listed: Vec<&str> = listed.iter().map(|meta| meta.key.as_str()).collect();
        assert_eq!(listed, names[..limit.min(8)], "the first {limit}");
    }
    let after = key("a/3");
    assert_eq!(store.list("a/", Some(&after), 3).await.expect("it lists").len(), 3);
}

#[tokio::test]
async fn stores_of_one_bucket_are_apart() {
    let Some(url) = store_of_its_own("apart") else { return };
    let (one, two) = (open(&url).await.expect("it opens"), open(&url.replace("apart", "apart2")).await);
    let two = two.expect("it opens");
    one.put(&key("a"), Bytes::from_static(b"one"), PutMode::IfAbsent).await.expect("a free key can be written");
    two.put(&key("a"), Bytes::from_static(b"two"), PutMode::IfAbsent).await.expect("a free key can be written");
    for (store, content) in [(&one, "one"), (&two, "two")] {
        assert_eq!(store.get(&key("a"), 10).await.expect("it is there"), content);
        assert_eq!(store.list("", None, 10).await.expect("it lists").len(), 1);
        let reading = store.get_stream(&key("a")).await.expect("it is there");
        assert_eq!(reading.bytes.try_collect::<Vec<_>>().await.expect("it can be read").concat(), content.as_bytes());
    }
    let long = one.put(&key(&"x/".repeat(500)[..999]), Bytes::new(), PutMode::IfAbsent).await;
    assert!(matches!(long, Err(Error::KeyRefused { .. })), "{long:?}");
}
