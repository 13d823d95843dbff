//! Databases take texts for equal that differ in case, accents or spaces at the end. The catalog does not; and it takes
//! texts of any length.

use std::collections::BTreeMap;

use pappus_catalog::contract::samples::{image, name, prediction, run, time};
use pappus_catalog::{
    Acquired, Added, ImageFilter, Images as _, Leases as _, OnConflict, Predictions as _, Recorded, Runs as _,
    Sources as _, TimeRange,
};
use pappus_domain::{Image, Prediction};

use super::database::Database;

#[tokio::test]
async fn labels_differ_in_case_and_accents() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    let labels = ["cat", "Cat", "cät", "ca\u{308}t", "猫", "🐈"];
    let images: Vec<_> = (0..).zip(labels).map(|(number, label)| image(number, Some(label))).collect();
    catalog.record_images(&images, OnConflict::Keep).await.expect("it records");
    let counts = catalog.image_counts().await.expect("it counts");
    assert_eq!(counts.labels, labels.map(|label| (name(label), 1)).into(), "each by itself");
    for image in images {
        let filter = ImageFilter { label: image.label.clone(), ..ImageFilter::default() };
        assert_eq!(catalog.images(&filter, 9).await.expect("it lists"), [image]);
    }
}

#[tokio::test]
async fn sources_and_leases_differ_in_anything() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    let urls = ["http://x/a", "http://x/A", "http://x/a ", "http://x/a\t", "http://x/ä", "http://x/a\u{308}"];
    let sources = urls.map(|url| (url.to_owned(), name("cat")));
    let added = catalog.add_sources(&sources, OnConflict::Keep).await.expect("it adds");
    assert_eq!(added, vec![Added::Pending; urls.len()]);
    let mut sorted = urls;
    sorted.sort_unstable();
    let pending = catalog.pending_sources(None, 99).await.expect("it lists");
    assert_eq!(pending.iter().map(|source| source.url.as_str()).collect::<Vec<_>>(), sorted);
    for lease in urls {
        let granted = catalog.acquire_lease(lease, "holder", time(0)).await.expect("it answers");
        assert!(matches!(granted, Acquired::Granted { .. }), "{lease:?}: {granted:?}");
        let held = catalog.acquire_lease(lease, "Holder ", time(0)).await.expect("it answers");
        assert!(matches!(held, Acquired::Held(_)), "{lease:?}: {held:?}");
    }
}

#[tokio::test]
async fn urls_of_any_length_come_once_each_in_order_of_how_they_begin() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    let (long, longer) = ("l".repeat(511 - "http://x/".len()), "l".repeat(20_000));
    let mut urls: Vec<String> = Vec::new();
    for end in ["", "a", "b", "ab", "b a", "é", "a\u{10FFFF}", "\u{1}"] {
        urls.extend([format!("http://x/{end}"), format!("http://x/{long}{end}"), format!("http://x/{longer}{end}")]);
    }
    let sources: Vec<_> = urls.iter().map(|url| (url.clone(), name("cat"))).collect();
    catalog.add_sources(&sources, OnConflict::Keep).await.expect("it adds");
    let head = |url: &String| url.as_bytes()[..url.len().min(512)].to_vec();
    urls.sort_unstable();
    for limit in 1..=urls.len() + 1 {
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = catalog.pending_sources(after.as_deref(), limit).await.expect("it lists");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.url.clone());
            seen.extend(page.into_iter().map(|source| source.url));
        }
        assert!(seen.is_sorted_by_key(head), "in pages of {limit}");
        seen.sort_unstable();
        assert!(seen == urls, "each once, in pages of {limit}");
    }
}

#[tokio::test]
async fn batches_may_be_longer_than_a_statement() {
    let Some(database) = Database::make().await else { return };
    let catalog = database.open().await;
    // Six megabytes: more than a server takes at once where nobody has told it otherwise.
    let origin = "o".repeat(5000);
    let images: Vec<_> =
        (0..1200).map(|number| Image { origin: origin.clone(), ..image(number, Some("cat")) }).collect();
    let recorded = catalog.record_images(&images, OnConflict::Keep).await.expect("it records");
    assert!(recorded.iter().all(|answer| *answer == Recorded::New));
    let relabelled: Vec<_> = images.iter().map(|image| Image { label: Some(name("dog")), ..image.clone() }).collect();
    let recorded = catalog.record_images(&relabelled, OnConflict::Relabel).await.expect("it records");
    assert!(recorded.iter().all(|answer| *answer == Recorded::Updated));
    let counts = catalog.image_counts().await.expect("it counts");
    assert_eq!(counts.labels, BTreeMap::from([(name("dog"), 1200)]));
    let predictions: Vec<_> =
        (0..1200).map(|number| Prediction { source: origin.clone(), ..prediction(number, 1) }).collect();
    catalog.log_predictions(&predictions).await.expect("it logs");
    assert_eq!(catalog.count_predictions(&TimeRange::default(), 9999).await.expect("it counts"), 1200);
    let mut long = run(1, "pets");
    // More than a TEXT holds.
    long.request.reason = "r".repeat(70_000);
    catalog.create_run(&long).await.expect("it records");
    assert_eq!(catalog.run(&long.request.run).await.expect("it reads"), Some(long));
}
