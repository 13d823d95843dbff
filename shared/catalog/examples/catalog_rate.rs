//! How quick a catalog is with 30,000 images: `cargo run --release -p pappus-catalog --example catalog_rate -- DIR`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement for people")]

use std::time::Instant;

use pappus_catalog::contract::samples::{change, digest, image, name, prediction, time, version};
use pappus_catalog::{ImageFilter, Images, Leases, OnConflict, Predictions, Releases, SqliteCatalog};
use pappus_domain::Release;
use pappus_domain::release::ReleaseAction;
use pappus_domain::split::Placement;

const IMAGES: u64 = 30_000;

#[tokio::main]
async fn main() {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let directory = tempfile::tempdir_in(parent).expect("a directory to fill");
    let path = directory.path().join("catalog.db");
    let begun = Instant::now();
    let catalog = SqliteCatalog::open(&path).await.expect("it opens");
    println!("making the file: {:.1?}", begun.elapsed());
    let begun = Instant::now();
    drop(SqliteCatalog::open(&path).await.expect("it opens"));
    println!("opening it again: {:.1?}", begun.elapsed());

    let label = |number: u64| Some(if number.is_multiple_of(2) { "cat" } else { "dog" });
    let images: Vec<_> = (0..IMAGES).map(|number| image(number, label(number))).collect();
    for turn in ["new", "known"] {
        let begun = Instant::now();
        for batch in images.chunks(256) {
            catalog.record_images(batch, OnConflict::Keep).await.expect("it records");
        }
        let rate = IMAGES as f64 / begun.elapsed().as_secs_f64();
        println!("record_images, {turn}, batches of 256: {rate:.0} images/s");
    }
    let placements: Vec<_> = (0..IMAGES).map(|number| (digest(number), Placement::Group(number))).collect();
    let begun = Instant::now();
    catalog.place_images(&placements).await.expect("it places");
    println!("place_images, all: {:.1?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(catalog.labelled().await.expect("it lists").len(), images.len());
    println!("labelled: {:.1?}", begun.elapsed());
    let begun = Instant::now();
    catalog.image_counts().await.expect("it counts");
    println!("image_counts: {:.1?}", begun.elapsed());
    for (status, class) in [(None, None), (Some("stored"), None), (None, Some("cat")), (Some("stored"), Some("cat"))] {
        let filter = ImageFilter { status, label: class.map(name), after: Some(digest(5)) };
        let begun = Instant::now();
        catalog.images(&filter, 100).await.expect("it lists");
        println!("images, status {status:?}, label {class:?}, a page of 100: {:.1?}", begun.elapsed());
    }
    small_writes(&catalog).await;
}

async fn small_writes(catalog: &SqliteCatalog) {
    let predictions: Vec<_> = (0..10_000).map(|number| prediction(number, number.cast_signed())).collect();
    let begun = Instant::now();
    for batch in predictions.chunks(100) {
        catalog.log_predictions(batch).await.expect("it logs");
    }
    println!("log_predictions, batches of 100: {:.0}/s", 10_000.0 / begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    for second in 0..100 {
        catalog.acquire_lease("train/pets", "a", time(second)).await.expect("it answers");
    }
    println!("acquire_lease: {:.1?}", begun.elapsed() / 100);
    let mut from: Option<Release> = None;
    let begun = Instant::now();
    for number in 1..=100 {
        let to = Release::promote(from.as_ref(), &name("pets"), &version(number)).expect("another release");
        let change = change(ReleaseAction::Promote, number.cast_signed());
        catalog.change_release(from.as_ref(), &to, change).await.expect("it changes");
        from = Some(to);
    }
    println!("change_release: {:.1?}", begun.elapsed() / 100);
}
