//! Files that are not what they should be, and disks that are full.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use std::error::Error as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pappus_catalog::contract::samples::{decision, image, prediction, run};
use pappus_catalog::{Catalog, Decisions, Error, Images, OnConflict, Predictions, Runs, SqliteCatalog};
use pappus_domain::Digest;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("catalog.db");
    (directory, path)
}

async fn tamper(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.expect("it connects");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("it executes");
    sqlx::Connection::close(connection).await.expect("it closes");
}

async fn made(path: &Path) {
    let catalog = SqliteCatalog::open(path).await.expect("it opens");
    let images: Vec<_> = (0..500).map(|number| image(number, Some("cat"))).collect();
    catalog.record_images(&images, OnConflict::Keep).await.expect("it records");
    catalog.create_run(&run(1, "pets")).await.expect("it records");
    catalog.log_predictions(&[prediction(1, 1)]).await.expect("it logs");
    catalog.close().await;
}

#[tokio::test]
async fn a_file_of_garbage_is_refused_and_left_alone() {
    let (_directory, path) = place();
    let garbage = b"not a database, whatever its name says".repeat(100);
    fs::write(&path, &garbage).expect("a file");
    let error = SqliteCatalog::open(&path).await.expect_err("no catalog");
    assert!(matches!(error, Error::Damaged(_)), "{error:?}");
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
    assert_eq!(fs::read(&path).expect("a file"), garbage);
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let (_directory, path) = place();
    made(&path).await;
    let whole = fs::metadata(&path).expect("a file").len();
    for length in [whole - 4096, whole / 2, 5000, 50] {
        let file = fs::File::options().write(true).open(&path).expect("a file");
        file.set_len(length).expect("it can be cut off");
        let error = SqliteCatalog::open(&path).await.expect_err("half a catalog");
        assert!(matches!(error, Error::Damaged(_)), "cut off at {length}: {error:?}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let (_directory, path) = place();
    tamper(&path, "CREATE TABLE customers (name TEXT)").await;
    let error = SqliteCatalog::open(&path).await.expect_err("no catalog");
    assert!(matches!(&error, Error::Foreign(other) if *other == path), "{error:?}");
}

#[tokio::test]
async fn a_newer_catalog_is_refused() {
    let (_directory, path) = place();
    made(&path).await;
    tamper(&path, "PRAGMA user_version = 1000").await;
    let error = SqliteCatalog::open(&path).await.expect_err("a catalog of the future");
    assert!(matches!(error, Error::NewerSchema { found: 1000, .. }), "{error:?}");
    assert!(error.to_string().contains("use the version of pappus that wrote it"), "{error}");
    tamper(&path, "PRAGMA user_version = 2").await;
    SqliteCatalog::open(&path).await.expect("it was not touched");
}

#[tokio::test]
async fn an_older_catalog_is_brought_up_to_date() {
    let (_directory, path) = place();
    tamper(&path, include_str!("../migrations/sqlite/0001_catalog.sql")).await;
    tamper(&path, "PRAGMA user_version = 1; INSERT INTO data_sets VALUES (zeroblob(32), 7, 0)").await;
    let catalog = SqliteCatalog::open(&path).await.expect("it opens");
    let kept = catalog.data_set(&Digest::from_bytes([0; 32])).await.expect("it reads").expect("what was there");
    assert_eq!(kept.labelled, 7);
    catalog.record_decision(&decision(1, "pets", 1)).await.expect("it has what newer layouts have");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let (_directory, path) = place();
    made(&path).await;
    tamper(
        &path,
        "UPDATE images SET label = 'a/b' WHERE id = (SELECT min(id) FROM images);
         UPDATE runs SET status = '{';
         UPDATE predictions SET at = 9223372036854775807",
    )
    .await;
    let catalog = SqliteCatalog::open(&path).await.expect("it opens");
    let first = (0..500).map(|number| image(number, None).id).min().expect("an image");
    let (run_id, prediction_id) = (run(1, "pets").request.run, prediction(1, 1).id);
    let errors = [
        (catalog.image(&first).await.expect_err("no label"), "images", first.to_string()),
        (catalog.labelled().await.expect_err("no label"), "images", first.to_string()),
        (catalog.run(&run_id).await.expect_err("no JSON"), "runs", run_id.0.simple().to_string()),
        (
            catalog.prediction(&prediction_id).await.expect_err("no time"),
            "predictions",
            prediction_id.0.simple().to_string(),
        ),
    ];
    for (error, in_table, with_key) in errors {
        assert!(error.source().is_some(), "what is wrong with it is kept");
        let Error::Corrupt { table, row, .. } = error else { panic!("{error:?}") };
        assert_eq!((table, row), (in_table, with_key));
    }
    assert_eq!(catalog.images(&Default::default(), 1).await.map_err(drop), Err(()), "the first page has it");
    catalog.image(&image(7, None).id).await.expect("other rows can be read");
}

/// Says something that the test runner does not keep to itself when the test passes.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error is open");
}

/// A file system of one megabyte, where the test may mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(directory.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: where the test has failed there may be files open still.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            say(&format!("the test's disk is left mounted at {}", self.0.path().display()));
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_of_and_harms_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        say("skipped: this user may not mount the small disk that is to be filled");
        return;
    };
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 400 << 10]).expect("there is room for it");
    let catalog = SqliteCatalog::open(disk.0.path().join("catalog.db")).await.expect("it opens");
    let batch = |number: u64| (100 * number..100 * (number + 1)).map(|n| image(n, Some("cat"))).collect::<Vec<_>>();
    let mut recorded = 0;
    let error = loop {
        match catalog.record_images(&batch(recorded), OnConflict::Keep).await {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
        assert!(recorded < 100, "one megabyte cannot hold 10,000 images");
    };
    assert!(matches!(error, Error::Full(_)), "{error:?}");
    let again = catalog.record_images(&batch(recorded), OnConflict::Keep).await.expect_err("it is still full");
    assert!(matches!(again, Error::Full(_)), "{again:?}");
    let counts = catalog.image_counts().await.expect("it can still be read");
    assert_eq!(counts.stored, 100 * recorded, "what was recorded is there, half a batch is not");
    fs::remove_file(&ballast).expect("it can be removed");
    catalog.record_images(&batch(recorded), OnConflict::Keep).await.expect("there is room again");
    catalog.close().await;
}
