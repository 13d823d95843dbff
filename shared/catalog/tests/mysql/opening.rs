//! Making the tables, and what it says where it cannot.

use std::error::Error as _;
use std::fs;
use std::sync::Arc;

use pappus_catalog::contract::samples::image;
use pappus_catalog::{Error, Images as _, MySqlCatalog, OnConflict, Recorded};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::database::Database;

/// The error, and the whole of what people are told of it.
async fn refused(url: &str) -> (Error, String) {
    let error = MySqlCatalog::open(url).await.expect_err("it cannot be opened");
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    (error, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_may_make_the_tables_at_once() {
    let Some(database) = Database::make().await else { return };
    let database = Arc::new(database);
    let barrier = Arc::new(Barrier::new(10));
    let openers = (0..10_u64).map(|number| {
        let (database, barrier) = (Arc::clone(&database), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            let catalog = database.open().await;
            catalog.record_images(&[image(number, None)], OnConflict::Keep).await.expect("it records")
        })
    });
    for opener in openers.collect::<Vec<_>>() {
        assert_eq!(opener.await.expect("no opener panics"), [Recorded::New]);
    }
    assert_eq!(database.open().await.image_counts().await.expect("it counts").stored, 10, "nothing is lost");
}

#[tokio::test]
async fn what_was_cut_off_is_made_whole() {
    let Some(database) = Database::make().await else { return };
    database.open().await;
    let whole = database.tables().await;
    // As a process leaves it that ends after some of the tables.
    database.execute("UPDATE pappus_layout SET layout = 0; DROP TABLE runs, sources, predictions").await;
    database.open().await;
    assert_eq!(database.tables().await, whole);
    // And one that ends before it has said anything of the layout.
    database.execute("DELETE FROM pappus_layout; DROP TABLE leases").await;
    let catalog = database.open().await;
    assert_eq!(database.tables().await, whole);
    catalog.record_images(&[image(1, None)], OnConflict::Keep).await.expect("it can be used");
}

#[tokio::test]
async fn a_newer_catalog_is_refused() {
    let Some(database) = Database::make().await else { return };
    database.open().await;
    for (layout, found) in [("1000", 1000), ("-1", -1)] {
        database.execute(&format!("UPDATE pappus_layout SET layout = {layout}")).await;
        let (error, told) = refused(&database.url).await;
        assert!(matches!(error, Error::NewerSchema { found: layout, known: 2 } if layout == found), "{error:?}");
        assert!(told.contains("use the version of pappus that wrote it"), "{told}");
    }
}

#[tokio::test]
async fn tables_of_another_program_are_refused_and_left_alone() {
    for (theirs, named) in [("runs", "runs"), ("pappus_layout", "pappus_layout")] {
        let Some(database) = Database::make().await else { return };
        database.execute(&format!("CREATE TABLE {theirs} (run_uuid VARCHAR(32))")).await;
        let (error, told) = refused(&database.url).await;
        assert!(
            matches!(&error, Error::Occupied { database: of, table } if *of == database.name && table == named),
            "{error:?}"
        );
        assert!(told.contains("a database of its own"), "{told}");
        assert_eq!(database.tables().await, [theirs], "nothing is made beside it");
    }
}

#[tokio::test]
async fn tables_of_other_names_are_no_matter() {
    let Some(database) = Database::make().await else { return };
    database.execute("CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('Ada')").await;
    database.open().await;
    database.execute("UPDATE customers SET name = 'Grace'").await;
}

#[tokio::test]
async fn what_the_server_refuses_is_told_without_the_password() {
    let Some(database) = Database::make().await else { return };
    let secret = "not-the-password";
    let wrong = database.url_with(|url| url.set_password(Some(secret)).expect("a URL with a password"));
    let (error, told) = refused(&wrong).await;
    assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
    assert!(told.contains("Access denied for user 'pappus'") && told.contains("check the user"), "{told}");
    assert!(!told.contains(secret) && !format!("{error:?}").contains(secret), "{told}");

    let (error, told) = refused(&database.url_with(|url| url.set_path("mysql"))).await;
    assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
    assert!(told.contains("to database 'mysql'"), "{told}");

    let (error, told) = refused(&database.url_with(|url| url.set_path("pappus_missing"))).await;
    assert!(matches!(error, Error::NoDatabase(_)), "{error:?}");
    assert!(told.contains("'pappus_missing'") && told.contains("create it"), "{told}");
}

#[tokio::test]
async fn a_password_may_be_in_a_file() {
    let Some(database) = Database::make().await else { return };
    let directory = tempfile::tempdir().expect("a directory for the test");
    let file = directory.path().join("pass word");
    let url = database.url_with(|url| {
        url.set_password(None).expect("a URL with a password");
        url.query_pairs_mut().append_pair("password-file", &file.display().to_string());
    });
    let (error, told) = refused(&url).await;
    assert!(matches!(error, Error::BadUrl { .. }), "{error:?}");
    assert!(told.contains("pass word") && told.contains("a file that can be read"), "{told}");
    let mut password = None;
    database.url_with(|url| _ = password.replace(url.password().expect("a password").to_owned()));
    fs::write(&file, format!("{}\n", password.expect("a password"))).expect("a file");
    MySqlCatalog::open(&url).await.expect("it opens");
}

#[tokio::test]
async fn urls_that_name_no_database_are_refused_without_what_may_be_secret() {
    for url in [
        "mysql:",
        "mysql://",
        "mysql://host",
        "mysql://user:s3cret@host",
        "mysql://user:s3cret@host/",
        "mysql://user:s3cret@host/a/b",
        "mysql://:s3cret@host/pappus",
        "mysql://user:s3cret@/pappus",
        "mysql://user:s3cret@host:port/pappus",
        "mysql://user:s3cret@host/pappus%00",
        "mysql://user:s3cret@host/pappus#part",
        "mysql://user:s3cret@host/pappus?tls=perhaps",
        "mysql://user:s3cret@host/pappus?password=s3cret",
        "mysql://user:s3cret@host/pappus?password-file=/run/secrets/mysql",
        "mysql://user:s3cret@host/pappus?ca=/etc/ca.pem",
        "mysql://user:s3cret@host/pappus?colour=s3cret",
    ] {
        let (error, told) = refused(url).await;
        assert!(matches!(error, Error::BadUrl { .. }), "{url}: {error:?}");
        assert!(told.contains("mysql://USER:PASSWORD@HOST:PORT/DATABASE"), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let (error, told) = refused(&format!("mysql://user:s3cret@{address}/pappus")).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(told.contains("refused") && !told.contains("s3cret"), "{told}");
}

// The clock stands still while anything can be done.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let (error, told) = refused(&format!("mysql://user@{address}/pappus")).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(told.contains("no answer came within 10 seconds"), "{told}");
}

#[tokio::test]
async fn tls_is_as_the_url_says() {
    let Some(database) = Database::make().await else { return };
    let with = |tls: &str| database.url_with(|url| _ = url.query_pairs_mut().append_pair("tls", tls));
    for tls in ["off", "preferred"] {
        MySqlCatalog::open(&with(tls)).await.expect(tls);
    }
    // Whether the server offers none or one that nobody has signed: whoever is to be sure of it cannot be.
    let (error, told) = refused(&with("verify")).await;
    assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
    assert!(told.contains("`tls`"), "{told}");
}
