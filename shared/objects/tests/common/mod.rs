//! What the tests of `s3://` share.
#![allow(dead_code, clippy::expect_used)] // each test file uses its part, and a test may panic

pub mod fake;

use std::io::Write as _;

use pappus_objects::Key;

/// The URL of a store of its own on the real server that the environment names; says so on the terminal where it names
/// none.
pub fn store_of_its_own(name: &str) -> Option<String> {
    let Ok(url) = std::env::var("PAPPUS_TEST_S3") else {
        // Not what the test runner keeps to itself when the test passes.
        writeln!(std::io::stderr(), "skipped: PAPPUS_TEST_S3 names no bucket to test with").expect("stderr is open");
        return None;
    };
    let (bucket, query) = url.split_once('?').unwrap_or((&url, ""));
    let prefix = format!("{}/test-{}-{name}", bucket.trim_end_matches('/'), uuid::Uuid::now_v7());
    Some(format!("{prefix}?{query}"))
}

pub fn key(text: &str) -> Key {
    text.parse().expect("a key")
}
