//! Images.

use std::collections::BTreeMap;

use pappus_domain::split::Placement;
use pappus_domain::{Digest, Image, ImageStatus};

use super::samples::{digest, image, name, quarantined, time};
use crate::{Catalog, ImageCounts, ImageFilter, OnConflict, Recorded};

pub(super) async fn suite(catalog: &dyn Catalog) {
    an_empty_catalog_has_none(catalog).await;
    records_and_reads_back(catalog).await;
    a_known_image_stays_as_it_is(catalog).await;
    labels_are_added_and_kept(catalog).await;
    labels_are_replaced_on_demand(catalog).await;
    newer_rules_bring_images_out_of_quarantine(catalog).await;
    later_images_of_a_batch_see_the_earlier(catalog).await;
    lists_pages(catalog).await;
    counts(catalog).await;
    places_once(catalog).await;
    long_batches_are_as_short_ones(catalog).await;
}

async fn record(catalog: &dyn Catalog, images: &[Image]) -> Vec<Recorded> {
    catalog.record_images(images, OnConflict::Keep).await.expect("images can be recorded")
}

async fn get(catalog: &dyn Catalog, number: u64) -> Image {
    let found = catalog.image(&digest(number)).await.expect("an image can be asked for");
    found.unwrap_or_else(|| panic!("image {number} is there"))
}

async fn an_empty_catalog_has_none(catalog: &dyn Catalog) {
    assert_eq!(catalog.image(&digest(1)).await.expect("an image can be asked for"), None);
    let counts = catalog.image_counts().await.expect("images can be counted");
    assert_eq!(counts, ImageCounts::default(), "the suite wants an empty catalog");
    assert_eq!(record(catalog, &[]).await, [], "nothing to record is no error");
}

async fn records_and_reads_back(catalog: &dyn Catalog) {
    let batch = [image(1, Some("cat")), image(2, None), quarantined(3, None), quarantined(4, Some("dog"))];
    assert_eq!(record(catalog, &batch).await, vec![Recorded::New; 4]);
    for (number, image) in (1..).zip(&batch) {
        assert_eq!(get(catalog, number).await, *image, "an image as it was recorded");
    }
}

async fn a_known_image_stays_as_it_is(catalog: &dyn Catalog) {
    let again = Image { origin: "elsewhere".into(), recorded_at: time(9), ..image(1, Some("cat")) };
    let nothing_to_add = image(1, None);
    let bad_now = quarantined(1, Some("cat"));
    assert_eq!(record(catalog, &[again, nothing_to_add, bad_now]).await, vec![Recorded::Known; 3]);
    assert_eq!(get(catalog, 1).await, image(1, Some("cat")), "a known image is as it was first recorded");
}

async fn labels_are_added_and_kept(catalog: &dyn Catalog) {
    let answers = record(catalog, &[image(2, Some("dog")), image(2, Some("cat"))]).await;
    assert_eq!(answers, [Recorded::Updated, Recorded::Conflict(name("dog"))]);
    assert_eq!(get(catalog, 2).await, image(2, Some("dog")), "the first label stays");
}

async fn labels_are_replaced_on_demand(catalog: &dyn Catalog) {
    let relabelled = [image(2, Some("cat")), image(2, Some("cat")), image(2, None)];
    let answers = catalog.record_images(&relabelled, OnConflict::Relabel).await.expect("images can be recorded");
    assert_eq!(answers, [Recorded::Updated, Recorded::Known, Recorded::Known]);
    assert_eq!(get(catalog, 2).await, image(2, Some("cat")), "the new label wins, no label does not");
}

async fn newer_rules_bring_images_out_of_quarantine(catalog: &dyn Catalog) {
    let answers = record(catalog, &[image(3, Some("cat")), image(4, Some("cat")), quarantined(3, None)]).await;
    assert_eq!(answers, [Recorded::Updated, Recorded::Conflict(name("dog")), Recorded::Known]);
    assert_eq!(get(catalog, 3).await, image(3, Some("cat")));
    assert_eq!(get(catalog, 4).await, image(4, Some("dog")), "stored now, under the label that it had");
}

async fn later_images_of_a_batch_see_the_earlier(catalog: &dyn Catalog) {
    let batch = [quarantined(5, None), image(5, None), image(5, Some("cat")), image(5, Some("dog"))];
    let expected = [Recorded::New, Recorded::Updated, Recorded::Updated, Recorded::Conflict(name("cat"))];
    assert_eq!(record(catalog, &batch).await, expected);
}

async fn lists_pages(catalog: &dyn Catalog) {
    let more = [quarantined(6, None), quarantined(7, Some("cat")), image(8, None), image(9, Some("dog"))];
    record(catalog, &more).await;
    for status in [None, Some("stored"), Some("quarantined")] {
        for label in [None, Some("cat"), Some("dog"), Some("bird")] {
            let matching = |image: &Image| {
                let label = label.map(name);
                status.is_none_or(|status| image.status.as_str() == status) && (label.is_none() || image.label == label)
            };
            let mut expected: Vec<Image> = Vec::new();
            for number in 1..=9 {
                expected.extend(Some(get(catalog, number).await).filter(matching));
            }
            expected.sort_by_key(|image| image.id);
            let filter = ImageFilter { status, label: label.map(name), after: None };
            assert_eq!(in_pages(catalog, filter.clone(), 2).await, expected, "pages of {filter:?}");
            assert_eq!(in_pages(catalog, filter.clone(), 100).await, expected, "one page of {filter:?}");
        }
    }
}

async fn in_pages(catalog: &dyn Catalog, mut filter: ImageFilter, limit: usize) -> Vec<Image> {
    let mut seen: Vec<Image> = Vec::new();
    loop {
        let page = catalog.images(&filter, limit).await.expect("images can be listed");
        assert!(page.len() <= limit, "a page of {} where at most {limit} were asked for", page.len());
        let Some(last) = page.last() else { return seen };
        filter.after = Some(last.id);
        seen.extend(page);
    }
}

async fn counts(catalog: &dyn Catalog) {
    let counts = catalog.image_counts().await.expect("images can be counted");
    let labels = BTreeMap::from([(name("cat"), 4), (name("dog"), 2)]);
    assert_eq!(counts, ImageCounts { stored: 7, quarantined: 2, labels }, "labels are counted of stored images only");
}

async fn places_once(catalog: &dyn Catalog) {
    let cats = [1, 2, 3, 5].map(digest);
    let highest_bit = Placement::Group(u64::MAX - 1);
    let placements = [(cats[0], highest_bit), (cats[1], Placement::Aside), (digest(99), Placement::Group(1))];
    catalog.place_images(&placements).await.expect("images can be placed, and unknown ones are passed over");
    let moved = [(cats[0], Placement::Aside), (cats[2], Placement::Group(0)), (cats[2], Placement::Aside)];
    catalog.place_images(&moved).await.expect("images can be placed");
    let labelled = catalog.labelled().await.expect("labelled images can be listed");
    assert!(labelled.is_sorted_by_key(|image| image.id), "in order of the ids");
    assert_eq!(labelled.len(), 6, "every stored image that has a label, and no other");
    let place = |id: Digest| labelled.iter().find(|image| image.id == id).and_then(|image| image.placement);
    let places = cats.map(place);
    assert_eq!(places, [Some(highest_bit), Some(Placement::Aside), Some(Placement::Group(0)), None], "a place is kept");
    for labelled in labelled {
        let image = catalog.image(&labelled.id).await.expect("an image can be asked for").expect("it is there");
        let ImageStatus::Stored { perceptual, .. } = image.status else { panic!("{image:?} is stored") };
        assert_eq!((Some(labelled.label), labelled.perceptual), (image.label, perceptual));
    }
}

async fn long_batches_are_as_short_ones(catalog: &dyn Catalog) {
    let numbers = || 1000..1300;
    let before = catalog.image_counts().await.expect("images can be counted");
    let mut batch: Vec<Image> = numbers().map(|number| quarantined(number, None)).collect();
    batch.extend(numbers().map(|number| image(number, None)));
    batch.extend(numbers().rev().map(|number| image(number, Some("bird"))));
    let answers = record(catalog, &batch).await;
    let updated = answers[300..].iter().all(|answer| *answer == Recorded::Updated);
    assert!(updated && answers[..300].iter().all(|answer| *answer == Recorded::New), "{answers:?}");
    let after = catalog.image_counts().await.expect("images can be counted");
    assert_eq!((after.stored, after.quarantined), (before.stored + 300, before.quarantined), "each is counted once");
    assert_eq!(after.labels.get(&name("bird")), Some(&300));
    let filter = ImageFilter { status: Some("stored"), label: Some(name("bird")), after: None };
    let listed = in_pages(catalog, filter.clone(), 70).await;
    assert!(listed.len() == 300 && listed.is_sorted_by_key(|image| image.id), "{} are listed", listed.len());
    assert!(catalog.images(&filter, 0).await.expect("none can be asked for").is_empty());
}
