//! What only a file that several processes share can do, or fail to do.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use std::path::PathBuf;
use std::sync::Arc;

use pappus_catalog::contract::samples::{change, image, name, run, time, version};
use pappus_catalog::{
    Acquired, Error, Images, Leases, OnConflict, Predictions, Recorded, Releases, Runs, SqliteCatalog, TimeRange,
};
use pappus_domain::Release;
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use tempfile::TempDir;
use tokio::sync::Barrier;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("catalog.db");
    (directory, path)
}

async fn open(path: &PathBuf) -> SqliteCatalog {
    SqliteCatalog::open(path).await.expect("it opens")
}

#[tokio::test]
async fn what_is_written_survives_with_and_without_closing() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    catalog.record_images(&[image(1, Some("cat"))], OnConflict::Keep).await.expect("it records");
    drop(catalog);
    let catalog = open(&path).await;
    assert_eq!(catalog.image(&image(1, None).id).await.expect("it reads"), Some(image(1, Some("cat"))));
    catalog.create_run(&run(1, "pets")).await.expect("it records");
    pappus_catalog::Catalog::close(&catalog).await;
    assert!(!path.with_extension("db-wal").exists(), "closing writes the log back");
    let catalog = open(&path).await;
    assert_eq!(catalog.runs(&name("pets"), 9).await.expect("it reads"), [run(1, "pets")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_make_the_file_at_once() {
    let (_directory, path) = place();
    let barrier = Arc::new(Barrier::new(16));
    let openers: Vec<_> = (0..16_u64)
        .map(|number| {
            let (path, barrier) = (path.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let catalog = open(&path).await;
                catalog.record_images(&[image(number, None)], OnConflict::Keep).await.expect("it records")
            })
        })
        .collect();
    for opener in openers {
        assert_eq!(opener.await.expect("no opener panics"), [Recorded::New]);
    }
    assert_eq!(open(&path).await.image_counts().await.expect("it counts").stored, 16, "nothing is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_handles_wait_for_each_other() {
    let (_directory, path) = place();
    let handles = [Arc::new(open(&path).await), Arc::new(open(&path).await)];
    let writers: Vec<_> = (0..8_u64)
        .map(|writer| {
            let catalog = Arc::clone(&handles[writer as usize % 2]);
            tokio::spawn(async move {
                for turn in 0..10 {
                    let batch: Vec<_> = (0..20).map(|n| image(1000 * writer + 20 * turn + n, Some("cat"))).collect();
                    catalog.record_images(&batch, OnConflict::Keep).await.expect("it waits and records");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    for catalog in &handles {
        assert_eq!(catalog.image_counts().await.expect("it counts").labelled(), 8 * 10 * 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_is_granted_a_lease_across_handles() {
    let (_directory, path) = place();
    let handles = [Arc::new(open(&path).await), Arc::new(open(&path).await)];
    let barrier = Arc::new(Barrier::new(32));
    let asking: Vec<_> = (0..32)
        .map(|number| {
            let (catalog, barrier) = (Arc::clone(&handles[number % 2]), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                catalog.acquire_lease("train/pets", &format!("holder-{number}"), time(0)).await.expect("it answers")
            })
        })
        .collect();
    let mut granted = 0;
    for answer in asking {
        granted += usize::from(matches!(answer.await.expect("nobody panics"), Acquired::Granted { .. }));
    }
    assert_eq!(granted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_changes_a_release_across_handles() {
    let (_directory, path) = place();
    let handles = [Arc::new(open(&path).await), Arc::new(open(&path).await)];
    let barrier = Arc::new(Barrier::new(16));
    let changing: Vec<_> = (0..16)
        .map(|number| {
            let (catalog, barrier) = (Arc::clone(&handles[number as usize % 2]), Arc::clone(&barrier));
            tokio::spawn(async move {
                let to = Release::promote(None, &name("pets"), &version(number)).expect("a first release");
                barrier.wait().await;
                (to.clone(), catalog.change_release(None, &to, change(ReleaseAction::Promote, 0)).await)
            })
        })
        .collect();
    let (mut won, mut seen) = (Vec::new(), Vec::new());
    for change in changing {
        match change.await.expect("nobody panics") {
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
async fn a_call_that_is_given_up_leaves_no_lock() {
    let (_directory, path) = place();
    let [catalog, other] = [open(&path).await, open(&path).await];
    let many: Vec<_> = (0..5000).map(|number| image(number, None)).collect();
    {
        // Polled so far that the transaction is under way, then dropped.
        let mut recording = std::pin::pin!(catalog.record_images(&many, OnConflict::Keep));
        for _ in 0..200 {
            assert!(futures::poll!(&mut recording).is_pending(), "5000 images take longer");
            tokio::task::yield_now().await;
        }
    }
    for catalog in [&other, &catalog] {
        catalog.record_images(&[image(9999, None)], OnConflict::Keep).await.expect("the lock is free");
    }
    assert_eq!(other.image_counts().await.expect("it counts").stored, 1, "half a batch is nothing");
    assert_eq!(catalog.count_predictions(&TimeRange::default(), 1).await.expect("it counts"), 0);
}
