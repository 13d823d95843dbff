//! Folders named by class.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{picture, place};
use pappus_catalog::OnConflict;
use pappus_domain::{Digest, ImageStatus};
use pappus_host::{Dispose as _, Disposition};
use pappus_inference::Limits;
use pappus_ingest::{Error, Fate, Ingest, Options, count_files};
use pappus_objects::PutMode;

#[tokio::test]
async fn the_first_folder_names_the_class_and_files_beside_have_none() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    place.file("in/cat/kittens/2", &picture(2));
    place.file("in/dog/a/b/c/3.png", &picture(3));
    place.file("in/4.jpg", &picture(4));
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.unlabelled), (4, 4, 1));
    assert_eq!(place.labels().await, BTreeMap::from([("cat".into(), 2), ("dog".into(), 1)]));
    assert_eq!(place.label(&picture(4)).await, "-");
    assert_eq!(place.objects().await, 4);
    let image = place.image(&picture(2)).await.unwrap();
    assert!(image.origin.ends_with("cat/kittens/2"), "{}", image.origin);
    assert!(matches!(image.status, ImageStatus::Stored { width: 32, height: 32, .. }));
    let key = pappus_domain::Image::object_key(&image.id).parse().unwrap();
    assert_eq!(place.context.objects.get(&key, 1 << 20).await.unwrap(), picture(2), "its bytes as they came");
}

#[tokio::test]
async fn hidden_files_and_folders_are_passed_over() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    place.file("in/cat/.DS_Store", b"nothing of ours");
    place.file("in/.git/objects/2", &picture(2));
    assert_eq!(count_files(&place.path("in")).unwrap(), 1);
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.attention.len()), (1, 1, 0));
}

#[tokio::test]
async fn a_label_that_is_given_stands_over_the_folders() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    let lone = place.file("2.jpg", &picture(2));
    let label = || Some("moss".parse().unwrap());
    place.ingest.path(&place.path("in"), label(), |_| {}).await.unwrap();
    let summary = place.ingest.path(&lone, label(), |_| {}).await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.unlabelled), (1, 1, 0));
    assert_eq!(place.labels().await, BTreeMap::from([("moss".into(), 2)]));
}

#[tokio::test]
async fn a_folder_that_cannot_name_a_class_is_named() {
    let place = place().await;
    let name = "x".repeat(65);
    place.file(&format!("in/{name}/1.jpg"), &picture(1));
    let error = place.take("in").await.unwrap_err();
    assert!(matches!(&error, Error::Label { path, .. } if path.ends_with(&name)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Refused);
}

#[tokio::test]
async fn a_duplicate_in_one_folder_is_stored_once() {
    let place = place().await;
    for name in ["in/cat/1.jpg", "in/cat/copy of 1.jpg", "in/cat/old/1.jpg"] {
        place.file(name, &picture(1));
    }
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.duplicates), (3, 1, 2));
    assert_eq!((place.images().await.len(), place.objects().await), (1, 1));
}

#[tokio::test]
async fn bytes_that_were_lost_from_the_store_are_stored_again() {
    let place = place().await;
    for number in 0..4 {
        place.file(&format!("in/cat/{number}.bmp"), &picture(number));
    }
    place.take("in").await.unwrap();
    let objects = &place.context.objects;
    let key = |number| pappus_domain::Image::object_key(&Digest::of(&picture(number))).parse().unwrap();
    objects.delete(&key(0)).await.unwrap();
    objects.put(&key(1), picture(1)[..100].to_vec().into(), PutMode::Overwrite).await.unwrap();
    objects.put(&key(2), Default::default(), PutMode::Overwrite).await.unwrap();
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.duplicates), (4, 0, 4));
    for number in 0..4 {
        assert_eq!(objects.get(&key(number), 1 << 20).await.unwrap(), picture(number));
    }
}

#[tokio::test]
async fn an_image_under_two_labels_keeps_the_first_and_is_reported() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    let second = place.file("in/dog/1.jpg", &picture(1));
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.stored, summary.conflicts), (1, 1));
    assert_eq!(place.label(&picture(1)).await, "cat");
    let [outcome] = summary.attention.as_slice() else { panic!("{:?}", summary.attention) };
    assert_eq!(outcome.origin, second.display().to_string());
    assert_eq!(outcome.fate, Fate::Conflict { kept: "cat".parse().unwrap() });
}

#[tokio::test]
async fn relabelling_lets_the_new_label_win() {
    let place = place().await;
    let path = place.file("1.jpg", &picture(1));
    let options = Options { on_conflict: OnConflict::Relabel, ..Options::default() };
    let ingest = Ingest::new(place.context.clone(), options);
    for (label, counted) in [("cat", (1, 0, 0)), ("dog", (0, 1, 0)), ("dog", (0, 0, 1))] {
        let summary = ingest.path(&path, Some(label.parse().unwrap()), |_| {}).await.unwrap();
        assert_eq!((summary.stored, summary.relabelled, summary.duplicates), counted);
        assert_eq!(place.label(&picture(1)).await, label);
    }
}

#[tokio::test]
async fn a_label_that_comes_later_is_added() {
    let place = place().await;
    let path = place.file("1.jpg", &picture(1));
    assert_eq!(place.ingest.path(&path, None, |_| {}).await.unwrap().unlabelled, 1);
    let summary = place.ingest.path(&path, Some("cat".parse().unwrap()), |_| {}).await.unwrap();
    assert_eq!((summary.relabelled, summary.conflicts), (1, 0));
    assert_eq!(place.label(&picture(1)).await, "cat");
}

#[tokio::test]
async fn a_bad_image_is_quarantined_with_the_reason_and_the_rest_goes_on() {
    let place = place().await;
    let whole = picture(1);
    let bad: [(&str, &[u8], &str); 3] = [
        ("in/cat/0 text.jpg", b"a text", "not an image"),
        ("in/cat/1 empty.jpg", b"", "empty"),
        ("in/cat/2 gif.jpg", b"GIF89a\x20\0\x20\0", "GIF is not read"),
    ];
    for (name, bytes, _) in bad {
        place.file(name, bytes);
    }
    place.file("in/cat/3 good.jpg", &whole);
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.quarantined), (4, 1, 3));
    for ((_, bytes, reason), outcome) in bad.iter().zip(&summary.attention) {
        let Fate::Quarantined { reason: found } = &outcome.fate else { panic!("{outcome:?}") };
        assert!(found.contains(reason), "{found}");
        let status = place.image(bytes).await.unwrap().status;
        assert_eq!(status, ImageStatus::Quarantined { reason: found.clone() });
    }
    assert_eq!(place.objects().await, 1, "bad bytes are not kept");
    assert_eq!(place.take("in").await.unwrap().quarantined, 3, "and they are bad again");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_quarantined_under_the_digest_of_all_of_it() {
    let place = place().await;
    let mut large = picture(1);
    large.resize(200_000, 7);
    let path = place.file("large.bmp", &large);
    let options = Options { limits: Limits { bytes: 100_000, ..Limits::default() }, ..Options::default() };
    let summary = Ingest::new(place.context.clone(), options).path(&path, None, |_| {}).await.unwrap();
    assert_eq!(summary.quarantined, 1);
    let image = place.image(&large).await.unwrap();
    assert_eq!(image.bytes, 200_000);
    let mended = place.ingest.path(&path, None, |_| {}).await.unwrap();
    assert_eq!((mended.quarantined, mended.relabelled), (0, 1), "other limits, another verdict: {mended:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_reported_by_name_and_the_rest_goes_on() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    std::os::unix::fs::symlink(place.path("nowhere"), place.path("in/cat/0 link.jpg")).unwrap();
    assert_eq!(count_files(&place.path("in")).unwrap(), 2);
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.unreadable), (2, 1, 1));
    let outcome = &summary.attention[0];
    assert!(outcome.origin.ends_with("0 link.jpg") && outcome.image.is_none(), "{outcome:?}");
    assert!(matches!(&outcome.fate, Fate::Unreadable { reason } if !reason.is_empty()), "{outcome:?}");
}

#[tokio::test]
async fn sockets_and_the_like_are_passed_over() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    let _socket = std::os::unix::net::UnixListener::bind(place.path("in/cat/0.sock")).unwrap();
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored), (1, 1));
}

#[tokio::test]
async fn folders_that_link_to_each_other_come_to_an_end() {
    let place = place().await;
    place.file("in/cat/1.jpg", &picture(1));
    std::os::unix::fs::symlink(place.path("in"), place.path("in/cat/again")).unwrap();
    assert_eq!(place.take("in").await.unwrap().stored, 1);
}

#[tokio::test]
async fn a_folder_without_files_or_a_path_that_is_nothing_is_an_error() {
    let place = place().await;
    std::fs::create_dir_all(place.path("in/cat")).unwrap();
    let error = count_files(&place.path("in")).unwrap_err();
    assert!(matches!(error, Error::Empty(_)), "{error:?}");
    assert!(error.to_string().contains("a folder of images for each class"), "{error}");
    for error in [count_files(&place.path("no")).unwrap_err(), place.take("no").await.unwrap_err()] {
        assert!(matches!(&error, Error::Path { path, .. } if *path == place.path("no")), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Absent);
    }
}

#[tokio::test]
async fn a_thousand_images_taken_in_twice_are_stored_once() {
    let place = place().await;
    for number in 0..1000 {
        place.file(&format!("in/{}/{number}.bmp", ["cat", "dog"][number as usize % 2]), &picture(number));
    }
    let told = Arc::new(AtomicU64::new(0));
    let teller = told.clone();
    let progress = move |seen| teller.store(seen, Ordering::Relaxed);
    let first = place.ingest.path(&place.path("in"), None, progress).await.unwrap();
    assert_eq!((first.seen, first.stored, first.attention.len()), (1000, 1000, 0));
    assert_eq!(told.load(Ordering::Relaxed), 1000);
    let second = place.take("in").await.unwrap();
    assert_eq!((second.seen, second.stored, second.duplicates), (1000, 0, 1000));
    assert_eq!(place.labels().await, BTreeMap::from([("cat".into(), 500), ("dog".into(), 500)]));
    assert_eq!(place.objects().await, 1000);
}

#[tokio::test]
async fn an_ingest_that_was_cut_off_is_finished_by_the_same_command() {
    let place = place().await;
    for number in 0..600 {
        place.file(&format!("in/cat/{number}.bmp"), &picture(number));
    }
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let path = place.path("in");
    let progress = move |seen| {
        let _ = sender.send(seen);
    };
    tokio::select! {
        _ = place.ingest.path(&path, None, progress) => {}
        _ = receiver.recv() => {}
    }
    let summary = place.take("in").await.unwrap();
    assert_eq!((summary.seen, summary.stored + summary.duplicates), (600, 600));
    assert_eq!((place.images().await.len(), place.objects().await), (600, 600));
}
