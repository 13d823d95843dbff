//! What DynamoDB's limits make hard: many rows at once, large ones, and many writers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use pappus_catalog::contract::samples::{change, evaluation, image, manifest, name, prediction, time, version};
use pappus_catalog::{
    Acquired, DynamoDbCatalog, Error, ImageFilter, Images as _, Leases as _, Models as _, OnConflict, Predictions as _,
    Recorded, Releases as _, Sources as _,
};
use pappus_domain::image::Label;
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use pappus_domain::{Image, Release};
use tokio::time::timeout;

use crate::proxy::{Fate, Proxy};
use crate::server::TestTable;

#[tokio::test(flavor = "multi_thread")]
async fn counts_stay_right_where_many_record_the_same() {
    let Some(table) = TestTable::new() else { return };
    let catalogs = join_all((0..6).map(|_| table.open())).await;
    // The first of each number decides its label; those of one writer are in another order than those of the next.
    let images = |writer: u64| -> Vec<Image> {
        let label = |number: u64| Some(["cat", "dog"][((number + writer) % 2) as usize]);
        (0..150).map(|number| (number * (2 * writer + 1)) % 150).map(|number| image(number, label(number))).collect()
    };
    let record = async |(writer, catalog): (u64, &DynamoDbCatalog)| {
        catalog.record_images(&images(writer), OnConflict::Keep).await.expect("it waits and records")
    };
    let answers = join_all((0..).zip(&catalogs).map(record)).await.concat();
    let new = answers.iter().filter(|answer| **answer == Recorded::New).count();
    let counts = catalogs[0].image_counts().await.expect("it counts");
    let mut labels: BTreeMap<Label, u64> = BTreeMap::new();
    for labelled in catalogs[0].labelled().await.expect("it lists") {
        *labels.entry(labelled.label).or_default() += 1;
    }
    assert_eq!((new, counts.stored, counts.labelled()), (150, 150, 150), "each is new to one writer, and counted once");
    assert_eq!(counts.labels, labels, "what is counted is what is there");
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_is_completed_by_the_next() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let images: Vec<Image> = (0..500).map(|number| image(number, Some("cat"))).collect();
    let proxy = Proxy::before(Some(&table.endpoint), |call| {
        let is_of = |shard| call.body.to_string().contains(&format!(r#""image/{shard}""#));
        match call.operation.as_str() {
            "TransactWriteItems" if is_of('7') => Fate::Refused("AccessDeniedException"),
            _ => Fate::Through,
        }
    })
    .await;
    let hindered = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    let refused = hindered.record_images(&images, OnConflict::Keep).await;
    assert!(matches!(refused, Err(Error::Credentials { .. })), "{refused:?}");
    let catalog = table.open().await;
    // The server may be at work still on what was asked of it beside.
    let as_counted = async {
        loop {
            let counts = catalog.image_counts().await.expect("it counts");
            let listed = catalog.images(&ImageFilter::default(), 1000).await.expect("it lists").len();
            if counts.stored == listed as u64 {
                return listed;
            }
        }
    };
    let listed = timeout(Duration::from_secs(60), as_counted).await.expect("half a batch is counted as it is");
    assert!(listed < 500, "it failed");
    let answers = catalog.record_images(&images, OnConflict::Keep).await.expect("it records");
    let known = answers.iter().filter(|answer| **answer == Recorded::Known).count();
    assert!(answers.len() == 500 && (listed..500).contains(&known), "what was recorded is known, the rest is new");
    assert_eq!(catalog.image_counts().await.expect("it counts").labelled(), 500);
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_urls_are_in_order_too() {
    let Some(table) = TestTable::new() else { return };
    let catalog = table.open().await;
    let long = |number: u64| format!("http://x/{}/{number:03}", "é".repeat(1000));
    let mut urls: Vec<String> = (0..50).map(long).collect();
    urls.extend(["http://x/a".into(), "http://x/ü".into(), format!("http://x/{}", "é".repeat(445))]);
    let sources: Vec<_> = urls.iter().rev().map(|url| (url.clone(), name("cat"))).collect();
    catalog.add_sources(&sources, OnConflict::Keep).await.expect("it adds");
    urls.sort();
    for limit in [1, 7, 100] {
        let (mut seen, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
        loop {
            let page = catalog.pending_sources(after.as_deref(), limit).await.expect("it lists");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.url.clone());
            seen.extend(page.into_iter().map(|source| source.url));
        }
        assert_eq!(seen, urls, "in pages of {limit}");
    }
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_is_compressed_and_what_is_too_large_is_refused() {
    let Some(table) = TestTable::new() else { return };
    let catalog = table.open().await;
    let mut large = evaluation(1, "pets", 1, 1);
    large.report.confusion = vec![vec![0; 1024]; 1024];
    large.report.confusion[7] = (0..1024).collect();
    catalog.record_evaluation(&large).await.expect("two megabytes that are nearly all the same");
    let found = catalog.evaluation(&large.model, &large.version).await.expect("it reads");
    assert_eq!(found, Some(large.clone()));
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 16
    };
    large.report.confusion = (0..512).map(|_| (0..512).map(|_| noise()).collect()).collect();
    let refused = catalog.record_evaluation(&large).await;
    let Err(Error::Unwritable { what, source }) = refused else { panic!("{refused:?}") };
    assert!(what.contains("the evaluation of `pets/"), "{what}");
    assert!(source.to_string().contains("a row may have 203776"), "{source}");
    let wordy = Image { origin: "x".repeat(200_000), ..image(1, None) };
    let refused = catalog.record_images(&[image(2, None), wordy], OnConflict::Keep).await;
    assert!(matches!(refused, Err(Error::Unwritable { .. })), "{refused:?}");
    assert_eq!(catalog.image_counts().await.expect("it counts").stored, 0, "nothing of such a batch is recorded");
    table.delete().await;
}

/// Each round trip takes two seconds more.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_does() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let proxy = Proxy::before(Some(&table.endpoint), |_| Fate::Late(Duration::from_secs(2))).await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    let images: Vec<Image> = (0..100).map(|number| image(number, Some("cat"))).collect();
    let made: Vec<_> = (0..100).map(|number| prediction(number, 0)).collect();
    let first = Release::promote(None, &name("pets"), &version(1)).expect("a first release");
    let (recorded, logged, changed, leased) = tokio::join!(
        catalog.record_images(&images, OnConflict::Keep),
        catalog.log_predictions(&made),
        catalog.change_release(None, &first, change(ReleaseAction::Promote, 0)),
        catalog.acquire_lease("train/pets", "a", time(0)),
    );
    assert_eq!(recorded.expect("it records"), vec![Recorded::New; 100]);
    logged.expect("it logs");
    changed.expect("it changes");
    assert!(matches!(leased, Ok(Acquired::Granted { .. })), "{leased:?}");
    let (labelled, prediction) = tokio::join!(catalog.labelled(), catalog.prediction(&made[7].id));
    assert_eq!(labelled.expect("it lists").len(), 100);
    assert_eq!(prediction.expect("it reads").as_ref(), Some(&made[7]));
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_changes_a_release_across_handles() {
    let Some(table) = TestTable::new() else { return };
    let catalogs = join_all((0..8).map(|_| table.open())).await;
    let release = async |(number, catalog): (u64, &DynamoDbCatalog)| {
        // All to the same version, at the same moment: what they write differs in nothing.
        let to = Release::promote(None, &name("pets"), &version(1)).expect("a first release");
        (number, catalog.change_release(None, &to, change(ReleaseAction::Promote, 0)).await)
    };
    let outcomes = join_all((0..).zip(&catalogs).map(release)).await;
    let won = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    assert_eq!(won, 1, "exactly one wins: {outcomes:?}");
    let moved = |error: &Error| matches!(error, Error::ReleaseMoved { found: Some(_), .. });
    assert!(outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err()).all(moved), "{outcomes:?}");
    let ledger = catalogs[0].ledger(&name("pets")).await.expect("it reads");
    assert_eq!(ledger.len(), 1);
    LedgerEntry::verify(&ledger).expect("the ledger is whole");
    table.delete().await;
}

/// The answer to a change is lost as often as it is asked for: the change is found to have been made.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_release_that_nobody_hears_of_is_looked_for() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let proxy = Proxy::before(Some(&table.endpoint), |call| match call.operation.as_str() {
        "TransactWriteItems" => Fate::Unheard,
        _ => Fate::Through,
    })
    .await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    let to = Release::promote(None, &name("pets"), &version(1)).expect("a first release");
    let entry = catalog.change_release(None, &to, change(ReleaseAction::Promote, 0)).await.expect("it was changed");
    assert_eq!(catalog.ledger(&to.model).await.expect("it reads"), [entry]);
    assert_eq!(catalog.release(&to.model).await.expect("it reads"), Some(to));
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_begin_with_one_another_are_each_listed_once() {
    let Some(table) = TestTable::new() else { return };
    let catalog = table.open().await;
    let names = ["a", "a-b", "a0", "ab", "b"];
    let recorded = names.iter().flat_map(|name| (0..3).map(move |number| manifest(number, name)));
    let recorded: Vec<_> = recorded.collect();
    try_join_all(recorded.iter().map(|manifest| catalog.record_model(manifest))).await.expect("it records");
    assert_eq!(catalog.model_names().await.expect("it lists"), names.map(name));
    table.delete().await;
}
