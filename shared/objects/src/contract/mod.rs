//! What every store must do, as a suite that panics with what one did instead.
#![allow(clippy::expect_used, clippy::panic, reason = "a suite of assertions: a store that fails it fails a test")]

mod listing;
mod objects;
mod streams;

use bytes::Bytes;

use crate::{Access, Key, ObjectStore, PutMode};

/// Runs every behaviour against a store that is empty.
///
/// # Panics
/// Panics where the store does not behave as [`ObjectStore`] says.
pub async fn suite(store: &dyn ObjectStore) {
    for access in [Access::Read, Access::Write] {
        store.check(access).await.expect("an open store passes its own check");
    }
    objects::suite(store).await;
    streams::suite(store).await;
    listing::suite(store).await;
}

fn key(text: &str) -> Key {
    text.parse().expect("the suite's keys are keys")
}

async fn put(store: &dyn ObjectStore, name: &str, content: &str, mode: PutMode) -> Result<(), crate::Error> {
    store.put(&key(name), Bytes::copy_from_slice(content.as_bytes()), mode).await
}

async fn text(store: &dyn ObjectStore, name: &str) -> String {
    let bytes = store.get(&key(name), 1 << 20).await.expect("what was put can be read");
    String::from_utf8(bytes.into()).expect("what was put is text")
}
