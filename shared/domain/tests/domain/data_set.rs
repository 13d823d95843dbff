//! Data sets: their text, their digest, and whether they suffice.

use pappus_domain::data_set::{ClassCount, TooFew};
use pappus_domain::image::Label;
use pappus_domain::{DataSet, DataSetEntry, Digest, Split};
use proptest::prelude::*;

use crate::material::entries;

proptest! {
    #[test]
    fn the_text_is_read_back(entries in entries()) {
        let set = DataSet::new(entries);
        let text = set.to_text();
        prop_assert_eq!(set.digest(), Digest::of(text.as_bytes()));
        prop_assert_eq!(DataSet::from_text(&text).unwrap(), set);
    }

    #[test]
    fn order_does_not_matter(set in entries().prop_flat_map(|set| (Just(set.clone()), Just(set).prop_shuffle()))) {
        let (entries, shuffled) = set;
        prop_assert_eq!(DataSet::new(entries), DataSet::new(shuffled));
    }

    #[test]
    fn every_image_is_there_once(entries in entries()) {
        let set = DataSet::new(entries.clone());
        prop_assert!(set.entries().is_sorted_by(|a, b| a.image < b.image));
        prop_assert!(set.entries().iter().all(|entry| entries.contains(entry)));
        prop_assert!(entries.iter().all(|entry| set.entries().iter().any(|kept| kept.image == entry.image)));
        let sides = set.side(Split::Train).count() + set.side(Split::Test).count();
        prop_assert_eq!(sides, set.entries().len());
        prop_assert_eq!(set.counts().values().map(|count| count.total()).sum::<usize>(), sides);
    }

    #[test]
    fn the_digest_covers_everything(entries in entries(), at in any::<prop::sample::Index>(), what in 0..4) {
        let set = DataSet::new(entries);
        prop_assume!(!set.entries().is_empty());
        let mut changed = set.entries().to_vec();
        let entry = &mut changed[at.index(set.entries().len())];
        match what {
            0 => entry.image = Digest::of(b"another"),
            1 => entry.label = format!("{}!", entry.label).parse().unwrap(),
            2 => entry.split = if entry.split == Split::Train { Split::Test } else { Split::Train },
            _ => entry.group ^= 1,
        }
        prop_assert_ne!(DataSet::new(changed).digest(), set.digest());
    }

    #[test]
    fn bad_text_is_named_by_its_line(
        entries in entries(), bad in prop_oneof!["[^\r\n]{0,200}", "([0-9a-f]{0,70}\t){0,5}"],
    ) {
        let set = DataSet::new(entries);
        let error = DataSet::from_text(&format!("{}{bad}\n", set.to_text())).unwrap_err();
        prop_assert_eq!(error.line, set.entries().len() + 1);
        prop_assert!(bad.starts_with(&error.text) && error.text.chars().count() <= 120);
    }
}

/// Reference: Python's `hashlib`. The text is stored for ever, so its form is frozen.
#[test]
fn the_canonical_text_is_frozen() {
    let entry = |bytes: &[u8], label: &str, split, group| DataSetEntry {
        image: Digest::of(bytes),
        label: label.parse().unwrap(),
        split,
        group,
    };
    let set = DataSet::new(vec![
        entry(b"a", "dandelion", Split::Train, 0x0123_4567_89ab_cdef),
        entry(b"b", "grüner Löwenzahn", Split::Test, 7),
    ]);
    let wanted = "\
        3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\ttest\t0000000000000007\tgrüner Löwenzahn\n\
        ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\ttrain\t0123456789abcdef\tdandelion\n";
    assert_eq!(set.to_text(), wanted);
    assert_eq!(set.digest().to_string(), "50053cebe4b552faff15545cae069b3f5737a363e0d7b25238f30841e3fe32fa");
    assert_eq!(DataSet::object_key(&set.digest()), format!("datasets/{}.tsv", set.digest()));
}

/// A data set with so many images to train and to test with of each class.
fn set_of(classes: &[(&str, usize, usize)]) -> DataSet {
    let mut entries = Vec::new();
    for (label, train, test) in classes {
        for number in 0..train + test {
            let split = if number < *train { Split::Train } else { Split::Test };
            let image = Digest::of(format!("{label} {number}").as_bytes());
            entries.push(DataSetEntry { image, label: label.parse().unwrap(), split, group: number as u64 });
        }
    }
    DataSet::new(entries)
}

#[test]
fn a_classifier_needs_enough_of_two_classes() {
    let label = |text: &str| text.parse::<Label>().unwrap();
    let small = |class, train, test| TooFew::SmallClass { class: label(class), count: ClassCount { train, test } };
    assert_eq!(set_of(&[]).check(), Err(TooFew::Empty));
    assert_eq!(set_of(&[("a", 9, 3)]).check(), Err(TooFew::OneClass { class: label("a"), images: 12 }));
    assert_eq!(set_of(&[("a", 9, 3), ("b", 4, 1)]).check(), Err(small("b", 4, 1)));
    assert_eq!(set_of(&[("a", 9, 0), ("b", 5, 1)]).check(), Err(small("a", 9, 0)));
    assert_eq!(set_of(&[("a", 5, 1), ("b", 5, 1)]).check(), Ok(()));
}
