//! Many at once: nothing is lost, nothing is twice, and one of those who want the same gets it.

use std::sync::Arc;
use std::time::Duration;

use pappus_catalog::contract::samples::{change, image, name, prediction, time, version};
use pappus_catalog::{
    Acquired, Error, Images as _, Leases as _, MySqlCatalog, OnConflict, Predictions as _, Releases as _, Sources as _,
    TimeRange,
};
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use pappus_domain::{Image, Release};
use sqlx::mysql::MySqlConnection;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::database::Database;

async fn handles(database: &Database) -> [Arc<MySqlCatalog>; 3] {
    [database.open().await, database.open().await, database.open().await].map(Arc::new)
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_in_opposite_orders_lose_nothing() {
    let Some(database) = Database::make().await else { return };
    let handles = handles(&database).await;
    let mut tasks = JoinSet::new();
    for task in 0..12_usize {
        let catalog = Arc::clone(&handles[task % 3]);
        tasks.spawn(async move {
            for turn in 0..5_u64 {
                // Each batch shares images with those of the others, in another order; later ones bring labels.
                let mut batch: Vec<_> = (0..60).map(|number| image(20 * turn + number, Some("cat"))).collect();
                match task % 4 {
                    0 => batch.reverse(),
                    1 => batch.iter_mut().for_each(|image| image.label = None),
                    2 => batch.rotate_left(30),
                    _ => {}
                }
                catalog.record_images(&batch, OnConflict::Keep).await.expect("it records");
                let urls: Vec<_> = batch.iter().map(|image| (format!("http://x/{}", image.id), name("cat"))).collect();
                catalog.add_sources(&urls, OnConflict::Relabel).await.expect("it adds");
                let predictions: Vec<_> = (0..60).rev().map(|number| prediction(20 * turn + number, 1)).collect();
                catalog.log_predictions(&predictions).await.expect("it logs");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task panics");
    }
    let [catalog, ..] = handles;
    let counts = catalog.image_counts().await.expect("it counts");
    assert_eq!((counts.stored, counts.labelled()), (140, 140));
    assert_eq!(catalog.source_counts().await.expect("it counts"), [("pending".to_owned(), 140)].into());
    assert_eq!(catalog.count_predictions(&TimeRange::default(), 999).await.expect("it counts"), 140);
}

/// A connection that has changed so much that it is never the one that a deadlock ends.
async fn heavy(database: &Database) -> MySqlConnection {
    let mut connection = database.connect().await;
    let begin = "START TRANSACTION; UPDATE images SET bytes = bytes + 1 WHERE label = 'ballast'";
    sqlx::raw_sql(begin).execute(&mut connection).await.expect("it changes");
    connection
}

async fn lock(connection: &mut MySqlConnection, image: &Image) {
    let update = sqlx::query("UPDATE images SET bytes = 1 WHERE id = ?").bind(image.id.as_bytes().as_slice());
    update.execute(connection).await.expect("it is not the one that the deadlock ends");
}

/// Waits until the catalog waits: it has looked for one row for longer than that takes.
async fn waits(database: &Database) {
    let mut connection = database.connect().await;
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE db = DATABASE() AND info LIKE '%FROM images%FOR UPDATE' AND time_ms > 200";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.expect("a count") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_survived() {
    let Some(database) = Database::make().await else { return };
    let catalog = Arc::new(database.open().await);
    let ballast: Vec<_> = (100..2100).map(|number| image(number, Some("ballast"))).collect();
    catalog.record_images(&ballast, OnConflict::Keep).await.expect("it records");
    let mut pair = [image(1, None), image(2, None)];
    pair.sort_by_key(|image| image.id);
    catalog.record_images(&pair, OnConflict::Keep).await.expect("it records");
    // The catalog takes the first and then the second; whoever comes across it has the second and wants the first.
    let mut other = heavy(&database).await;
    lock(&mut other, &pair[1]).await;
    let labelled = pair.clone().map(|image| Image { label: Some(name("cat")), ..image });
    let recording = tokio::spawn({
        let catalog = Arc::clone(&catalog);
        async move { catalog.record_images(&labelled, OnConflict::Keep).await }
    });
    waits(&database).await;
    // Nobody could wait for this but for ever, if the catalog did not give up what it has and begin again.
    lock(&mut other, &pair[0]).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.expect("it commits");
    recording.await.expect("it does not panic").expect("it begins again and records");
    for image in &pair {
        let found = catalog.image(&image.id).await.expect("it reads").expect("it is there");
        assert_eq!((found.label, found.bytes), (Some(name("cat")), 1), "what both did is there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_a_row_for_long_makes_others_say_that_it_is_busy() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    let mut known = image(1, None);
    catalog.record_images(&[known.clone()], OnConflict::Keep).await.expect("it records");
    let mut other = database.connect().await;
    sqlx::raw_sql("START TRANSACTION").execute(&mut other).await.expect("it begins");
    lock(&mut other, &known).await;
    known.label = Some(name("cat"));
    let error = catalog.record_images(&[known.clone()], OnConflict::Keep).await.expect_err("it is locked");
    assert!(matches!(error, Error::Busy(_)), "{error:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("it ends");
    catalog.record_images(&[known], OnConflict::Keep).await.expect("it is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_is_granted_a_lease_across_handles() {
    let Some(database) = Database::make().await else { return };
    let handles = handles(&database).await;
    let barrier = Arc::new(Barrier::new(32));
    let mut asking = JoinSet::new();
    for number in 0..32 {
        let (catalog, barrier) = (Arc::clone(&handles[number % 3]), Arc::clone(&barrier));
        asking.spawn(async move {
            barrier.wait().await;
            catalog.acquire_lease("train/pets", &format!("holder-{number}"), time(0)).await.expect("it answers")
        });
    }
    let answers = asking.join_all().await;
    let granted = answers.iter().filter(|answer| matches!(answer, Acquired::Granted { .. })).count();
    assert_eq!(granted, 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_changes_a_release_across_handles() {
    let Some(database) = Database::make().await else { return };
    let handles = handles(&database).await;
    let barrier = Arc::new(Barrier::new(16));
    let mut changing = JoinSet::new();
    for number in 0..16_u64 {
        let (catalog, barrier) = (Arc::clone(&handles[number as usize % 3]), Arc::clone(&barrier));
        changing.spawn(async move {
            let to = Release::promote(None, &name("pets"), &version(number)).expect("a first release");
            barrier.wait().await;
            (to.clone(), catalog.change_release(None, &to, change(ReleaseAction::Promote, 0)).await)
        });
    }
    let (mut won, mut seen) = (Vec::new(), Vec::new());
    for change in changing.join_all().await {
        match change {
            (to, Ok(_)) => won.push(to),
            (_, Err(Error::ReleaseMoved { expected: None, found: Some(found) })) => seen.push(*found),
            (_, Err(error)) => panic!("{error:?}"),
        }
    }
    assert_eq!((won.len(), seen.len()), (1, 15), "exactly one wins");
    assert!(seen.iter().all(|found| *found == won[0]), "the losers see who won");
    let ledger = handles[0].ledger(&name("pets")).await.expect("it reads");
    assert_eq!(ledger.len(), 1);
    LedgerEntry::verify(&ledger).expect("the ledger is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_forget_predictions_at_once() {
    let Some(database) = Database::make().await else { return };
    let handles = handles(&database).await;
    let predictions: Vec<_> = (0..3000).map(|number| prediction(number, number.cast_signed())).collect();
    handles[0].log_predictions(&predictions).await.expect("it logs");
    let mut forgetting = JoinSet::new();
    for catalog in handles.clone() {
        forgetting.spawn(async move {
            let mut deleted = 0;
            loop {
                let batch = catalog.delete_predictions(time(2000), 100).await.expect("it deletes");
                deleted += batch;
                if batch == 0 {
                    return deleted;
                }
            }
        });
    }
    assert_eq!(forgetting.join_all().await.iter().sum::<u64>(), 2000, "each is deleted once");
    assert_eq!(handles[0].count_predictions(&TimeRange::default(), 9999).await.expect("it counts"), 1000);
}
