//! What is a key and what is not.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use pappus_objects::Key;
use proptest::prelude::*;

#[test]
fn keys_are_relative_paths_that_stay_where_they_are() {
    let longest = "k".repeat(1024);
    for good in ["a", "images/00ff", "a b", "..a", "...", "a/.hidden", "ü/圖", longest.as_str()] {
        assert_eq!(good.parse::<Key>().expect(good).to_string(), good);
    }
    let too_long = "k".repeat(1025);
    let too_long_in_bytes = "ü".repeat(513);
    let bad = ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a\\b", "a\0", "a\nb", "\u{85}"];
    for bad in bad.into_iter().chain([too_long.as_str(), too_long_in_bytes.as_str()]) {
        let error = bad.parse::<Key>().expect_err(bad).to_string();
        assert!(error.contains("cannot be an object's key"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_key_leads_out_of_a_directory(text in "[a-z./\\\\\0 ]{0,12}") {
        let Ok(key) = text.parse::<Key>() else { return Ok(()) };
        let segments: Vec<&str> = key.as_ref().split('/').collect();
        prop_assert!(segments.iter().all(|segment| !matches!(*segment, "" | "." | "..")));
        let path = std::path::Path::new("root").join(key.as_ref());
        prop_assert_eq!(path.components().count(), segments.len() + 1);
    }
}
