//! Manifests: CSV files of URLs and labels.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::collections::BTreeMap;

use common::{Place, picture, place};
use pappus_catalog::OnConflict;
use pappus_host::{Dispose as _, Disposition};
use pappus_ingest::{Error, Fate, Ingest, LineFault, Listed, Manifest, Options};

#[tokio::test]
async fn a_manifest_names_files_by_path_and_by_url() {
    let place = place().await;
    place.file("photos/1.bmp", &picture(1));
    let second = place.file("with space/2.bmp", &picture(2));
    let third = place.file("3.bmp", &picture(3));
    let url = format!("file://{}", second.display().to_string().replace(' ', "%20"));
    let text = format!(
        "id,label,url_source,photographer\n1, cat ,photos/1.bmp,me\n2,dog,{url},you\n3,cat,{},\n",
        third.display()
    );
    let manifest = place.file("list.csv", text.as_bytes());
    assert!(Manifest::is_one(&manifest) && !Manifest::is_one(&third) && !Manifest::is_one(&place.path("no.csv")));
    let summary = place.take_manifest(&manifest).await;
    assert_eq!((summary.seen, summary.stored), (3, 3));
    assert_eq!(place.labels().await, BTreeMap::from([("cat".into(), 2), ("dog".into(), 1)]));
    assert_eq!(place.sources().await, BTreeMap::from([("stored".into(), 3)]));
}

#[tokio::test]
async fn a_missing_column_is_named_with_those_that_are_there() {
    let place = place().await;
    for (header, column) in [("url,label", "url_source"), ("url_source,class", "label"), ("", "url_source")] {
        let manifest = place.file("list.csv", format!("{header}\na,b\n").as_bytes());
        let error = place.ingest.read_manifest(&manifest).await.unwrap_err();
        assert!(matches!(&error, Error::Column { column: missing, .. } if *missing == column), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(&format!("no column `{column}`")) && message.contains("list.csv"), "{message}");
        for found in header.split(',').filter(|name| !name.is_empty()) {
            assert!(message.contains(&format!("`{found}`")), "{message}");
        }
        assert_eq!(error.disposition(), Disposition::Refused);
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_column_name() {
    let place = place().await;
    place.file("1.bmp", &picture(1));
    for header in ["\u{feff}url_source,label", "\u{feff}\"url_source\",\"label\""] {
        let manifest = place.file("list.csv", format!("{header}\r\n1.bmp,cat\r\n").as_bytes());
        assert_eq!(place.ingest.read_manifest(&manifest).await.unwrap().faults, []);
    }
}

#[tokio::test]
async fn bad_lines_are_reported_by_number_and_the_rest_goes_on() {
    let place = place().await;
    let lines = ["url_source,label", "1.bmp,cat", ",cat", "2.bmp", "3.bmp,a/b", "s3://bucket/4,cat"];
    let text = [&lines[..], &["ftp://host/5,cat", "http://,cat", "\"6.bmp\",\"cat\"", ""]].concat().join("\n");
    let manifest = place.file("list.csv", text.as_bytes());
    let Listed { pending, faults, .. } = place.ingest.read_manifest(&manifest).await.unwrap();
    assert_eq!(pending, 2);
    let expected = [
        (3, "url_source is empty"),
        (4, "cannot be a label"),
        (5, "`a/b` cannot be a label"),
        (6, "s3 is not in this build"),
        (7, "scheme `ftp`"),
        (8, "is no URL"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for (LineFault { line, reason }, (number, says)) in faults.iter().zip(expected) {
        assert_eq!(*line, number, "{reason}");
        assert!(reason.contains(says), "{reason}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_an_error_that_names_the_file() {
    let place = place().await;
    let manifest = place.file("list.csv", b"url_source,label\n\xFF\xFE,cat\n");
    let error = place.ingest.read_manifest(&manifest).await.unwrap_err();
    assert!(matches!(error, Error::Csv { .. }), "{error:?}");
    assert!(error.to_string().contains("list.csv"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_missing_fails_its_source_and_is_tried_again_with_the_manifest() {
    let place = place().await;
    let manifest = place.file("list.csv", b"url_source,label\nlater.bmp,cat\n");
    let summary = place.take_manifest(&manifest).await;
    assert_eq!((summary.unreadable, summary.stored), (1, 0));
    assert_eq!(place.sources().await, BTreeMap::from([("failed".into(), 1)]));
    assert_eq!(place.ingest.fetch_pending(|_| {}).await.unwrap().seen, 0, "what has failed is not pending");
    place.file("later.bmp", &picture(1));
    assert_eq!(place.take_manifest(&manifest).await.stored, 1);
    assert_eq!(place.sources().await, BTreeMap::from([("stored".into(), 1)]));
    std::fs::remove_file(place.path("later.bmp")).unwrap();
    let summary = place.take_manifest(&manifest).await;
    assert_eq!((summary.seen, summary.duplicates), (1, 1), "and what is stored is not fetched again: {summary:?}");
}

#[tokio::test]
async fn a_corrected_label_is_a_conflict_unless_the_new_one_is_to_win() {
    let place = place().await;
    place.file("1.bmp", &picture(1));
    let manifest = |label: &str| place.file("list.csv", format!("url_source,label\n1.bmp,{label}\n").as_bytes());
    assert_eq!(place.take_manifest(&manifest("cat")).await.stored, 1);
    for _ in 0..2 {
        let summary = place.take_manifest(&manifest("dog")).await;
        assert_eq!((summary.seen, summary.conflicts, summary.duplicates), (1, 1, 0));
        let [outcome] = summary.attention.as_slice() else { panic!("{summary:?}") };
        assert!(outcome.origin.ends_with("/1.bmp"), "{outcome:?}");
        assert_eq!(outcome.fate, Fate::Conflict { kept: "cat".parse().unwrap() });
        assert_eq!(place.label(&picture(1)).await, "cat");
    }
    let options = Options { on_conflict: OnConflict::Relabel, ..Options::default() };
    let ingest = Ingest::new(place.context.clone(), options);
    for counted in [(1, 1, 0), (1, 0, 1)] {
        let summary = Place::take_manifest_with(&ingest, &manifest("dog")).await;
        assert_eq!((summary.seen, summary.relabelled, summary.duplicates), counted);
        assert_eq!(place.label(&picture(1)).await, "dog");
    }
}

#[tokio::test]
async fn a_label_that_is_corrected_before_its_image_was_fetched_is_a_conflict_too() {
    let place = place().await;
    place.file("1.bmp", &picture(1));
    let manifest = |label: &str| place.file("list.csv", format!("url_source,label\n1.bmp,{label}\n").as_bytes());
    // Cut off before anything was fetched.
    assert_eq!(place.ingest.read_manifest(&manifest("cat")).await.unwrap().pending, 1);
    let listed = place.ingest.read_manifest(&manifest("dog")).await.unwrap();
    assert_eq!((listed.pending, listed.known.conflicts), (0, 1));
    assert_eq!(listed.known.attention[0].fate, Fate::Conflict { kept: "cat".parse().unwrap() });
    let options = Options { on_conflict: OnConflict::Relabel, ..Options::default() };
    let ingest = Ingest::new(place.context.clone(), options);
    let summary = Place::take_manifest_with(&ingest, &manifest("dog")).await;
    assert_eq!((summary.seen, summary.stored, summary.conflicts), (1, 1, 0));
    assert_eq!(place.label(&picture(1)).await, "dog");
}

#[tokio::test]
async fn a_manifest_of_many_pages_is_read_to_its_end() {
    let place = place().await;
    let image = place.file("1.bmp", &picture(1));
    let lines = (0..1201).map(|line| format!("file://{}?{line},cat\n", image.display()));
    let text = format!("url_source,label\n{}", lines.collect::<String>());
    let manifest = place.file("list.csv", text.as_bytes());
    assert_eq!(place.ingest.read_manifest(&manifest).await.unwrap().pending, 1201);
    let summary = place.ingest.fetch_pending(|_| {}).await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.duplicates), (1201, 1, 1200));
    let listed = place.ingest.read_manifest(&manifest).await.unwrap();
    assert_eq!((listed.pending, listed.known.seen, listed.known.duplicates), (0, 1201, 1201));
}
