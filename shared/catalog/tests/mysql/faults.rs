//! What goes wrong while it is open.

use pappus_catalog::contract::samples::{image, prediction, run};
use pappus_catalog::{Catalog as _, Error, Images as _, OnConflict, Predictions as _, Runs as _};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::database::Database;

#[tokio::test]
async fn what_the_server_says_is_sorted_by_what_can_be_done() {
    let Some(database) = Database::make().await else { return };
    let mut connection = database.connect().await;
    let kinds: [(&str, &[(u16, &str)]); 7] = [
        ("Busy", &[(1040, ""), (1062, ""), (1205, ""), (1213, ""), (1020, ""), (1969, ""), (3024, "")]),
        ("Full", &[(1021, ""), (1114, ""), (1030, "Got error 28 from storage engine"), (1026, "(errno: 28)")]),
        ("Credentials", &[(1044, ""), (1045, ""), (1142, ""), (1227, "")]),
        ("NoDatabase", &[(1049, "")]),
        ("ReadOnly", &[(1290, "running with the --read-only option"), (1290, "--super-read-only"), (1792, "")]),
        ("Unwritable", &[(1406, ""), (1264, ""), (1153, "")]),
        ("Unavailable", &[(1053, ""), (1290, "--secure-file-priv"), (1030, "Got error 122"), (1927, "")]),
    ];
    for (kind, faults) in kinds {
        for (number, text) in faults {
            let signal = format!("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{text}'");
            let told = sqlx::raw_sql(AssertSqlSafe(signal)).execute(&mut connection).await.expect_err("a fault");
            let error = format!("{:?}", Error::from(told));
            assert!(error.starts_with(kind), "{number} {text}: {error}");
        }
    }
}

/// Ends every other connection to the database, as a server that is started anew does.
async fn cut_off(database: &Database) {
    let mut connection = database.connect().await;
    let others =
        sqlx::query("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()");
    let others: Vec<MySqlRow> = others.fetch_all(&mut connection).await.expect("a list");
    assert!(!others.is_empty(), "there are connections");
    for other in others {
        let kill = format!(
            "KILL {}",
            other
                .try_get::<i64, _>(0)
                .or_else(|_| other.try_get::<u64, _>(0).map(|id| id.cast_signed()))
                .expect("an id")
        );
        sqlx::raw_sql(AssertSqlSafe(kill)).execute(&mut connection).await.expect("it is ended");
    }
}

#[tokio::test]
async fn it_finds_back_to_a_server_that_was_away() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    for number in 0..5 {
        catalog.record_images(&[image(number, None)], OnConflict::Keep).await.expect("it records");
        cut_off(&database).await;
        catalog.check().await.expect("there is a new connection");
    }
    assert_eq!(catalog.image_counts().await.expect("it counts").stored, 5);
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_of() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    database.execute("DROP TABLE runs").await;
    let error = catalog.run(&run(1, "pets").request.run).await.expect_err("there is no such table");
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    catalog.image_counts().await.expect("the rest can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_leaves_no_lock() {
    let Some(database) = Database::make().await else { return };
    let [catalog, other] = [database.open().await, database.open().await];
    let many: Vec<_> = (0..5000).map(|number| image(number, None)).collect();
    for polls in [1, 3, 10, 30] {
        // Polled so far that it is under way, then dropped.
        let mut recording = Box::pin(catalog.record_images(&many, OnConflict::Keep));
        for _ in 0..polls {
            assert!(futures::poll!(&mut recording).is_pending(), "5000 images take longer");
            tokio::task::yield_now().await;
        }
        drop(recording);
        for catalog in [&other, &catalog] {
            catalog.record_images(&many[..1], OnConflict::Keep).await.expect("the lock is free");
        }
        assert_eq!(other.image_counts().await.expect("it counts").stored, 1, "half a batch is nothing");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    let (image, run, prediction) = (image(1, Some("cat")), run(1, "pets"), prediction(1, 1));
    catalog.record_images(std::slice::from_ref(&image), OnConflict::Keep).await.expect("it records");
    catalog.create_run(&run).await.expect("it records");
    catalog.log_predictions(std::slice::from_ref(&prediction)).await.expect("it logs");
    database.execute(
        "UPDATE images SET label = 'a/b'; UPDATE runs SET status = '{'; UPDATE predictions SET at = 9223372036854775807"
    ).await;
    let errors = [
        (catalog.image(&image.id).await.expect_err("no label"), "images", image.id.to_string()),
        (catalog.run(&run.request.run).await.expect_err("no JSON"), "runs", run.request.run.0.simple().to_string()),
        (
            catalog.prediction(&prediction.id).await.expect_err("no time"),
            "predictions",
            prediction.id.0.simple().to_string(),
        ),
    ];
    for (error, in_table, with_key) in errors {
        let Error::Corrupt { table, row, .. } = error else { panic!("{error:?}") };
        assert_eq!((table, row), (in_table, with_key));
    }
}
