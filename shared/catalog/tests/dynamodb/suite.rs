//! The behaviours that every catalog has, on good days and on bad ones.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pappus_catalog::{DynamoDbCatalog, SqliteCatalog, contract};

use crate::proxy::{Fate, Proxy};
use crate::server::TestTable;

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_catalog_and_scans_nothing() {
    let Some(table) = TestTable::new() else { return };
    // Made beforehand: who finds a table without a mark looks whether it is empty.
    table.open().await;
    let proxy = Proxy::before(Some(&table.endpoint), |_| Fate::Through).await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    contract::suite(&catalog).await;
    let operations = proxy.operations();
    assert!(operations.len() > 100, "the suite came by here");
    assert!(!operations.iter().any(|operation| operation == "Scan"), "every row is found by its key or in order");
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_moves_there_and_back() {
    let Some([table, other]) = TestTable::new().zip(TestTable::new()).map(<[_; 2]>::from) else { return };
    let directory = tempfile::tempdir().expect("a directory for the test");
    let sqlite = |name| SqliteCatalog::open(directory.path().join(name));
    let [from, back] = [sqlite("from.db").await.expect("it opens"), sqlite("back.db").await.expect("it opens")];
    contract::transfer(&from, &table.open().await).await;
    contract::transfer(&other.open().await, &back).await;
    table.delete().await;
    other.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_one_where_requests_are_turned_away_or_done_by_half() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let turn = AtomicUsize::new(0);
    let proxy = Proxy::before(Some(&table.endpoint), move |call| match turn.fetch_add(1, Ordering::Relaxed) % 23 {
        1 => Fate::Refused("ProvisionedThroughputExceededException"),
        5 => Fate::Refused("ThrottlingException"),
        9 => Fate::Refused("RequestLimitExceeded"),
        13 => Fate::Answered(500, "{}"),
        17 if call.is_write() => Fate::Conflict,
        _ if call.operation.starts_with("Batch") => Fate::Half,
        _ => Fate::Through,
    })
    .await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    contract::suite(&catalog).await;
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_one_where_the_first_answer_to_each_write_is_lost() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let seen = Mutex::new(HashSet::new());
    let proxy = Proxy::before(Some(&table.endpoint), move |call| {
        // The same request tried again is the same to the letter, and no other write has its mark.
        let is_new = || seen.lock().expect("no test panics here").insert(call.body.to_string());
        if call.is_write() && is_new() { Fate::Unheard } else { Fate::Through }
    })
    .await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    contract::suite(&catalog).await;
    table.delete().await;
}
