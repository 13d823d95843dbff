//! Moving everything.

use pappus_domain::Release;
use pappus_domain::release::{LedgerEntry, ReleaseAction};
use pappus_domain::split::Placement;

use super::samples::{
    change, decision, digest, evaluation, feedback, image, manifest, name, prediction, quarantined, run, time, version,
};
use crate::{Catalog, DataSetRecord, Error, Kind, OnConflict, Page, Record, SourceStatus};

/// Moves a catalog of every kind of record into another; both are empty at first.
///
/// # Panics
/// Panics where either does not behave as [`crate::Transfer`] says.
pub async fn transfer(from: &dyn Catalog, to: &dyn Catalog) {
    for kind in Kind::ALL {
        assert_eq!(from.export(kind, None, 10).await.expect("nothing can be read"), Page::default());
    }
    fill(from).await;
    for kind in Kind::ALL {
        let whole = all(from, kind, 100).await;
        assert_eq!(whole.len(), 3, "{kind:?}");
        assert!(whole.iter().all(|record| record.kind() == kind), "{kind:?}");
        for limit in [1, 2, 3] {
            assert_eq!(all(from, kind, limit).await, whole, "{kind:?} in pages of {limit}");
        }
        assert_eq!(to.import(&whole[1..2]).await.expect("a record can be written"), 1, "{kind:?}");
        assert_eq!(to.import(&whole).await.expect("what is there already is no error"), 2, "{kind:?}");
        assert_eq!(to.import(&whole).await.expect("all of it may be there"), 0, "{kind:?}");
        assert_eq!(sorted(all(to, kind, 2).await), sorted(whole), "{kind:?}: the same came out");
    }
    assert_eq!(to.labelled().await.expect("images can be read"), from.labelled().await.expect("images can be read"));
    assert_eq!(to.image_counts().await.expect("they count"), from.image_counts().await.expect("they count"));
    assert_eq!(to.source_counts().await.expect("they count"), from.source_counts().await.expect("they count"));
    let ledger = to.ledger(&name("pets")).await.expect("the ledger can be read");
    LedgerEntry::verify(&ledger).expect("the chain is unbroken");
    refuses_what_differs(to).await;
}

async fn all(catalog: &dyn Catalog, kind: Kind, limit: usize) -> Vec<Record> {
    let (mut records, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = catalog.export(kind, after.as_deref(), limit).await.expect("records can be read");
        assert!(page.records.len() <= limit, "{kind:?}");
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            return records;
        }
    }
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(Record::key);
    records
}

/// Three records of every kind.
async fn fill(catalog: &dyn Catalog) {
    let images = [image(1, Some("cat")), image(2, Some("dog")), quarantined(3, Some("cat"))];
    catalog.record_images(&images, OnConflict::Keep).await.expect("images can be recorded");
    let placed = [(digest(1), Placement::Group(7)), (digest(2), Placement::Aside)];
    catalog.place_images(&placed).await.expect("images can be placed");
    let urls = ["https://a/b/1.jpg", "https://a/b/2.jpg", "https://a/b/3.jpg"];
    let sources = urls.map(|url| (url.to_owned(), name("cat")));
    catalog.add_sources(&sources, OnConflict::Keep).await.expect("sources can be added");
    let settled = [SourceStatus::Stored { image: digest(1) }, SourceStatus::Failed { reason: "it is gone".into() }];
    for (url, status) in urls.iter().zip(&settled) {
        catalog.settle_source(url, status).await.expect("a source can be settled");
    }
    for number in 1..=3_u64 {
        let frozen_at = time(number.cast_signed());
        let data_set = DataSetRecord { digest: digest(number), labelled: number, frozen_at };
        catalog.record_data_set(&data_set).await.expect("a data set can be recorded");
        catalog.create_run(&run(number, "pets")).await.expect("a run can be recorded");
        catalog.record_model(&manifest(number, "pets")).await.expect("a version can be recorded");
        let evaluation = evaluation(number, "pets", number, number.cast_signed());
        catalog.record_evaluation(&evaluation).await.expect("an evaluation can be recorded");
        catalog.log_predictions(&[prediction(number, number.cast_signed())]).await.expect("it can be logged");
        let decided = decision(number, "pets", number.cast_signed());
        catalog.record_decision(&decided).await.expect("a decision can be recorded");
        catalog.record_feedback(&feedback(number, "dog", number.cast_signed())).await.expect("it can be recorded");
    }
    for model in ["birds", "fish", "pets"] {
        let first = Release::promote(None, &name(model), &version(1)).expect("a first release");
        let changed = catalog.change_release(None, &first, change(ReleaseAction::Promote, 1)).await;
        changed.expect("a release can change");
    }
}

async fn refuses_what_differs(catalog: &dyn Catalog) {
    let mut other = image(1, Some("cat"));
    other.bytes += 1;
    let records =
        [Record::Prediction(prediction(9, 9)), Record::Image { image: other, placement: Some(Placement::Group(7)) }];
    let refused = catalog.import(&records[1..]).await.expect_err("it is another image");
    assert!(matches!(&refused, Error::Differs { what } if what.contains(&digest(1).to_string())), "{refused:?}");
    catalog.import(&records).await.expect_err("it is another image");
    let kept = catalog.image(&digest(1)).await.expect("an image can be read").expect("it is there");
    assert_eq!(kept, image(1, Some("cat")), "what is there stays");
}
