//! URLs that name a bucket, and URLs that let somebody at an object in it.
#![cfg(feature = "s3")]
#![allow(clippy::expect_used, reason = "a test may fail so")]

mod common;

use std::time::Duration;

use common::fake::{SECRET, store};
use common::key;
use pappus_objects::{Allowed, Error, ObjectStore, S3Store, open};

#[tokio::test]
async fn a_url_names_a_bucket_and_where_in_it() {
    for (url, prefix) in [
        ("s3://plants?region=eu-west-1", ""),
        ("s3://plants/?region=eu-west-1", ""),
        ("s3://plants/a/b?region=eu-west-1", "a/b/"),
        ("s3://plants/a/b/?region=eu-west-1&endpoint=https://s3.example.org/gateway", "a/b/"),
        ("s3://plants/%C3%BC%20x?endpoint=http://127.0.0.1:9000", "ü x/"),
    ] {
        let store = open(url).await.expect(url);
        let bucket = store.bucket().expect("it is a bucket");
        assert_eq!((bucket.name, bucket.prefix), ("plants", prefix), "{url}");
        assert_eq!(bucket.key_of(&format!("{prefix}images/1")), Some("images/1"));
        assert_eq!(bucket.key_of("elsewhere/images/1"), prefix.is_empty().then_some("elsewhere/images/1"));
    }
}

#[tokio::test]
async fn other_urls_are_refused_without_what_may_be_secret() {
    for url in [
        "s3:",
        "s3://",
        "s3:plants",
        "s3://ab",
        "s3://Plants",
        "s3://plants_and_more",
        "s3://-plants",
        "s3://plants--x-s3",
        "s3://plants:9000/prefix",
        "s3://plants/a//b",
        "s3://plants/a%0Ab",
        "s3://plants/%ff",
        "s3://plants#fragment",
        "s3://key:hidden@plants/prefix",
        "s3://hidden@plants",
        "s3://plants?access_key=hidden",
        "s3://plants?region=eu-west-1&secret_key=hidden",
        "s3://plants?region=EU WEST",
        "s3://plants?region=",
        "s3://plants?region=a&region=b",
        "s3://plants?endpoint=127.0.0.1:9000",
        "s3://plants?endpoint=ftp://127.0.0.1",
        "s3://plants?endpoint=http://key:hidden@127.0.0.1:9000",
        "s3://plants?endpoint=http://127.0.0.1:9000/?key=hidden",
    ] {
        let error = open(url).await.expect_err(url);
        assert!(matches!(error, Error::BadUrl { .. }), "{url}: {error:?}");
        assert!(error.to_string().contains("s3://bucket/prefix?endpoint=…&region=…"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
    }
}

#[tokio::test]
async fn a_url_lets_whoever_has_it_at_one_object_for_a_while() {
    let store = store("s3://plants/a?region=eu-central-1").await;
    for (allowed, method) in [(Allowed::Download, "GET"), (Allowed::Upload, "PUT")] {
        let life = Duration::from_secs(90);
        let signed = store.sign(&key("images/1 2"), allowed, life).await.expect("it signs").expect("S3 has such URLs");
        assert_eq!((signed.method, signed.headers.as_slice()), (method, &[][..]));
        let (place, query) = signed.url.split_once('?').expect("a query");
        assert_eq!(place, "https://plants.s3.eu-central-1.amazonaws.com/a/images/1%202");
        assert!(query.contains("X-Amz-Expires=90") && query.contains("X-Amz-Signature="), "{query}");
        assert!(query.contains("X-Amz-SignedHeaders=host&"), "whoever uses it need send nothing more: {query}");
        assert!(!query.to_lowercase().contains("checksum"), "whoever uploads may upload anything: {query}");
        assert!(!signed.url.contains(SECRET));
        assert!(!format!("{signed:?}").contains("Signature"), "it is not shown: {signed:?}");
    }
    for life in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(7 * 24 * 60 * 60 + 1)] {
        let refused = store.sign(&key("a"), Allowed::Download, life).await;
        assert!(matches!(refused, Err(Error::LifeRefused { life: l }) if l == life), "{refused:?}");
    }
}

#[tokio::test]
async fn a_store_shows_no_secret() {
    let store: S3Store = store("s3://plants?region=eu-central-1").await;
    assert!(!format!("{store:?}").contains(SECRET), "{store:?}");
}
