//! It shows the behaviours of the suite, and moves from and to other catalogs.

use pappus_catalog::{Catalog as _, SqliteCatalog, contract, open};

use super::database::Database;

#[tokio::test(flavor = "multi_thread")]
async fn mysql_behaves_as_every_catalog() {
    let Some(database) = Database::make().await else { return };
    contract::suite(&database.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_moves_into_mysql() {
    let Some(database) = Database::make().await else { return };
    let Some(other) = Database::make().await else { return };
    contract::transfer(&database.open().await, &other.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_moves_into_sqlite_and_back() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    for to_mysql in [true, false] {
        let Some(database) = Database::make().await else { return };
        let mysql = database.open().await;
        let file = directory.path().join(format!("{to_mysql}.db"));
        let sqlite = SqliteCatalog::open(file).await.expect("it opens");
        if to_mysql {
            contract::transfer(&sqlite, &mysql).await;
        } else {
            contract::transfer(&mysql, &sqlite).await;
        }
    }
}

#[tokio::test]
async fn its_url_opens_it() {
    let Some(database) = Database::make().await else { return };
    let catalog = open(&database.url).await.expect("it opens");
    catalog.check().await.expect("it can be used");
    let shown = format!("{catalog:?}");
    assert!(shown.contains(&database.name), "{shown}");
    catalog.close().await;
    catalog.check().await.expect_err("it is closed");
    database.open().await.check().await.expect("what was closed can be opened again");
}
