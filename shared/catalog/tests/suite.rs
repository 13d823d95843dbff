//! Every catalog shows the behaviours of the suite, and opens by its URL.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use std::error::Error as _;

use pappus_catalog::{Error, SqliteCatalog, contract, open};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.expect("it opens");
    contract::suite(&catalog).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_moves_into_sqlite() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let from = SqliteCatalog::open(directory.path().join("from.db")).await.expect("it opens");
    let to = SqliteCatalog::open(directory.path().join("to.db")).await.expect("it opens");
    contract::transfer(&from, &to).await;
}

#[tokio::test]
async fn a_sqlite_url_names_a_file() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("made/with its parents/catalog%.db");
    let url = format!("sqlite://{}", path.display().to_string().replace('%', "%25").replace(' ', "%20"));
    let catalog = open(&url).await.expect("it opens");
    catalog.check().await.expect("it can be used");
    catalog.close().await;
    assert!(path.is_file());
}

#[tokio::test]
async fn other_urls_are_refused_with_what_may_be_given() {
    for url in ["", "sqlite:", "sqlite://", "sqlite:///a/", "sqlite:///%00", "sqlite:///%ff", "postgres://x", "x.db"] {
        let error = open(url).await.expect_err(url);
        assert!(matches!(&error, Error::BadUrl { held, .. } if held == url), "{error:?}");
        assert!(error.to_string().contains("sqlite:///absolute/path"), "{error}");
    }
}

#[cfg(not(feature = "mysql"))]
#[tokio::test]
async fn a_build_without_mysql_says_how_to_get_one_that_has_it() {
    let error = open("mysql://user:secret@host/db").await.expect_err("no MySQL").to_string();
    assert!(error.contains("this build has no MySQL"), "{error}");
    assert!(!error.contains("secret"), "a password is not for messages: {error}");
}

#[cfg(not(feature = "dynamodb"))]
#[tokio::test]
async fn a_build_without_dynamodb_says_how_to_get_one_that_has_it() {
    let error = open("dynamodb://table?key=secret").await.expect_err("no DynamoDB").to_string();
    assert!(error.contains("this build has no DynamoDB"), "{error}");
    assert!(error.contains("`cargo build -p pappus --features servers`"), "{error}");
    assert!(!error.contains("secret"), "a password is not for messages: {error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file for the test");
    let directory = tempfile::tempdir().expect("a directory for the test");
    for path in [file.path().join("catalog.db"), directory.path().to_owned()] {
        let error = SqliteCatalog::open(&path).await.expect_err("it cannot be opened");
        assert!(matches!(error, Error::CannotOpen { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.source().is_some(), "what the system said is kept");
    }
}
