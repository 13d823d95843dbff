//! Whether to train now.

use pappus_domain::trigger::{Facts, Policy};
use proptest::prelude::*;

proptest! {
    #[test]
    fn new_images_decide_and_are_named(new_images in 0_u64..200, has_model: bool, wanted in 0_u64..200) {
        let facts = Facts { new_images, labelled_images: 300, has_model };
        let decision = Policy { new_images: wanted }.decide(facts);
        prop_assert_eq!(decision.train, new_images >= wanted);
        for figure in [new_images, 300, wanted] {
            prop_assert!(decision.reason.contains(&figure.to_string()), "{}", decision.reason);
        }
        prop_assert_eq!(decision.reason.contains("no model yet"), !has_model);
    }
}

#[test]
fn fifty_new_images_are_enough_by_default() {
    let facts = |new_images| Facts { new_images, labelled_images: 50, has_model: false };
    assert!(Policy::default().decide(facts(50)).train);
    assert!(!Policy::default().decide(facts(49)).train);
}
