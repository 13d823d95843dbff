//! Every store shows the behaviours of the suite, and opens by its URL.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use bytes::Bytes;
use pappus_objects::{Error, LocalStore, MemoryStore, PutMode, contract, open, place};

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    contract::suite(&MemoryStore::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let store = LocalStore::open(directory.path().join("made/with its parents")).await.expect("it opens");
    contract::suite(&store).await;
}

#[tokio::test]
async fn a_file_url_names_a_directory() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("a b%");
    let url = format!("file://{}", path.display().to_string().replace('%', "%25").replace(' ', "%20"));
    let store = open(&url).await.expect("it opens");
    store.put(&"k".parse().unwrap(), Bytes::from_static(b"v"), PutMode::IfAbsent).await.expect("it writes");
    assert_eq!(std::fs::read(path.join("k")).expect("the object is a file"), b"v");
}

#[test]
fn the_place_of_objects_is_a_path_where_there_is_one() {
    assert_eq!(place("file:///srv/a%20b", "models/x/"), "/srv/a b/models/x/");
    assert_eq!(place("file://.pappus/objects", "models/x/"), ".pappus/objects/models/x/");
    for elsewhere in ["memory:", "s3://bucket/prefix?endpoint=http://127.0.0.1:9000"] {
        assert_eq!(place(elsewhere, "models/x/"), "models/x/", "{elsewhere}");
    }
}

#[tokio::test]
async fn a_memory_url_names_a_new_store() {
    let store = open("memory:").await.expect("it opens");
    store.put(&"k".parse().unwrap(), Bytes::from_static(b"v"), PutMode::IfAbsent).await.expect("it writes");
    let other = open("memory:").await.expect("it opens");
    assert!(other.list("", None, 1).await.expect("it lists").is_empty());
}

#[tokio::test]
async fn other_urls_are_refused_with_what_may_be_given() {
    for url in ["", "file:", "file://", "http://x", "/path", "file:///a%00b", "file:///%ff"] {
        let error = open(url).await.expect_err(url);
        assert!(matches!(&error, Error::BadUrl { held, .. } if held == url), "{error:?}");
        assert!(error.to_string().contains("file:///absolute/path"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_repeat_what_may_be_secret() {
    for url in ["http://user:hidden@x/y", "ftp://hidden@x", "gopher://x?password=hidden", "s3://hidden@bucket"] {
        let error = open(url).await.expect_err(url);
        assert!(matches!(error, Error::BadUrl { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
    }
}

#[cfg(not(feature = "s3"))]
#[tokio::test]
async fn a_build_without_s3_says_so_and_how_to_get_it() {
    let error = open("s3://bucket/prefix?region=eu-west-1").await.expect_err("there is no S3");
    assert!(matches!(error, Error::BadUrl { .. }), "{error:?}");
    for says in ["`s3://bucket/prefix?…`", "this build has no S3", "cargo build -p pappus --features servers"] {
        assert!(error.to_string().contains(says), "{error}");
    }
}
