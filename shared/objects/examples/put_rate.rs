//! How many small objects a second a local store takes: `cargo run --release -p pappus-objects --example put_rate -- DIR`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement for people")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use pappus_objects::{Key, LocalStore, ObjectStore, PutMode};

const OBJECTS: usize = 2000;

#[tokio::main]
async fn main() {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let bytes = Bytes::from(vec![42; 10_000]);
    for writers in [1, 8] {
        let directory = tempfile::tempdir_in(&parent).expect("a directory to fill");
        let store = Arc::new(LocalStore::open(directory.path()).await.expect("it opens"));
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let tasks = (0..writers).map(|_| {
            let (store, next, bytes) = (Arc::clone(&store), Arc::clone(&next), bytes.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= OBJECTS {
                        break;
                    }
                    let key: Key = format!("images/{number:064x}").parse().expect("a key");
                    store.put(&key, bytes.clone(), PutMode::IfAbsent).await.expect("it can be written");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no writer panics");
        }
        let rate = OBJECTS as f64 / begun.elapsed().as_secs_f64();
        println!("{writers} writers: {rate:.0} objects of {} bytes a second", bytes.len());
    }
}
