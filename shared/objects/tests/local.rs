//! What only a store of files can do, or fail to do.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_objects::{Access, Error, Key, LocalStore, ObjectStore, PutMode, Reading, Writing};
use tempfile::TempDir;

async fn store() -> (TempDir, LocalStore) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let store = LocalStore::open(directory.path()).await.expect("it opens");
    (directory, store)
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

async fn put(store: &LocalStore, name: &str, mode: PutMode) -> Result<(), Error> {
    store.put(&key(name), Bytes::from_static(b"content"), mode).await
}

fn unfinished(root: &Path) -> usize {
    fs::read_dir(root.join(".tmp")).expect("the directory of unfinished writes").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writers_with_stores_of_their_own_wins() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let barrier = Arc::new(tokio::sync::Barrier::new(16));
    let writers = (0..16).map(|_| {
        let (root, barrier) = (directory.path().to_owned(), Arc::clone(&barrier));
        tokio::spawn(async move {
            let store = LocalStore::open(root).await.expect("it opens");
            barrier.wait().await;
            put(&store, "deep/down/taken", PutMode::IfAbsent).await
        })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.expect("no writer panics") {
            Ok(()) => won += 1,
            Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(unfinished(directory.path()), 0, "nobody leaves anything behind");
}

#[tokio::test]
async fn keys_that_collide_with_directories_are_refused() {
    let (directory, store) = store().await;
    put(&store, "a/b", PutMode::IfAbsent).await.expect("a free key can be written");
    for mode in [PutMode::IfAbsent, PutMode::Overwrite] {
        for name in ["a", "a/b/c", "a/b/c/d", ".tmp", ".tmp/x"] {
            let refused = put(&store, name, mode).await.expect_err(name);
            assert!(matches!(refused, Error::KeyRefused { .. }), "{refused:?}");
        }
        let long = put(&store, &"x".repeat(300), mode).await.expect_err("no file has such a name");
        assert!(matches!(long, Error::KeyRefused { .. }), "{long:?}");
    }
    for name in ["a", "a/b/c", ".tmp", ".tmp/x", "x".repeat(300).as_str()] {
        let missing = store.get(&key(name), 10).await.expect_err(name);
        assert!(matches!(missing, Error::NotFound { .. }), "{missing:?}");
        store.delete(&key(name)).await.expect("deleting what cannot be there is no error");
    }
    assert_eq!(store.list("", None, 10).await.expect("it lists").len(), 1);
    assert_eq!(unfinished(directory.path()), 0, "what was refused leaves nothing behind");
}

#[tokio::test]
async fn old_unfinished_writes_are_cleared_and_young_ones_kept() {
    let (directory, store) = store().await;
    drop(store);
    let [old, young] = ["put-old", "put-young"].map(|name| directory.path().join(".tmp").join(name));
    for path in [&old, &young] {
        fs::write(path, "unfinished").expect("it can be written");
    }
    let two_days = SystemTime::now() - Duration::from_secs(48 * 60 * 60);
    File::options().append(true).open(&old).and_then(|file| file.set_modified(two_days)).expect("its age can be set");
    let store = LocalStore::open(directory.path()).await.expect("it opens");
    assert!(!old.exists() && young.exists(), "only what is older than a day is cleared");
    assert!(store.list("", None, 10).await.expect("it lists").is_empty(), "unfinished writes are no objects");
    assert!(store.list(".tmp/", None, 10).await.expect("it lists").is_empty(), "however one asks");
}

#[tokio::test]
async fn a_stream_that_does_not_end_well_leaves_no_file() {
    let (directory, store) = store().await;
    let begun = || stream::iter([Ok(Bytes::from_static(b"the first piece"))]);
    let failing = begun().chain(stream::iter([Err("a bad sector".into())]));
    let writing = Writing { size: None, bytes: failing.boxed() };
    let failed = store.put_stream(&key("a/b"), writing, PutMode::IfAbsent).await.expect_err("its source fails");
    assert!(matches!(failed, Error::SourceFailed { .. }), "{failed:?}");
    assert_eq!(unfinished(directory.path()), 0, "what failed leaves nothing behind");

    let (waits, waiting) = tokio::sync::oneshot::channel();
    let waiting_for_ever = stream::once(async move {
        waits.send(()).expect("the test listens");
        std::future::pending().await
    });
    let writing = Writing { size: None, bytes: begun().chain(waiting_for_ever).boxed() };
    let name = key("a/b");
    tokio::select! {
        written = store.put_stream(&name, writing, PutMode::IfAbsent) => panic!("it cannot have ended: {written:?}"),
        waits = waiting => waits.expect("it waits for the second piece"),
    }
    assert_eq!(unfinished(directory.path()), 0, "what is dropped leaves nothing behind");
}

#[tokio::test]
async fn a_file_that_others_make_shorter_is_not_taken_for_whole() {
    let (directory, store) = store().await;
    let large = Bytes::from(vec![7; 1 << 20]);
    store.put(&key("a"), large, PutMode::IfAbsent).await.expect("a free key can be written");
    let Reading { size, mut bytes } = store.get_stream(&key("a")).await.expect("it is there");
    assert_eq!(size, 1 << 20);
    let first = bytes.try_next().await.expect("it can be read").expect("it is not empty");
    let file = File::options().write(true).open(directory.path().join("a")).expect("it is a file");
    file.set_len(first.len() as u64).expect("it can be made shorter");
    let cut = bytes.try_next().await.expect_err("not all can be read");
    assert!(matches!(cut, Error::Unavailable { .. }), "{cut:?}");
}

#[tokio::test]
async fn files_of_others_are_no_obstacle() {
    let (directory, store) = store().await;
    put(&store, "a/x", PutMode::IfAbsent).await.expect("a free key can be written");
    fs::create_dir_all(directory.path().join("empty/empty")).expect("a directory");
    fs::write(directory.path().join("a/back\\slash"), "no key").expect("a file");
    #[cfg(unix)]
    std::os::unix::fs::symlink(directory.path(), directory.path().join("loop")).expect("a link");
    let listed = store.list("", None, 1).await.expect("it lists");
    assert_eq!(listed.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["a/x"]);
    assert_eq!(store.list("", Some(&key("a/x")), 1).await.expect("it lists"), []);
}

#[tokio::test]
async fn a_directory_that_was_removed_is_made_again() {
    let (directory, store) = store().await;
    put(&store, "a/b/c", PutMode::IfAbsent).await.expect("a free key can be written");
    fs::remove_dir_all(directory.path().join("a")).expect("it can be removed");
    put(&store, "a/b/c", PutMode::IfAbsent).await.expect("its key is free again");
    fs::remove_dir_all(directory.path().join(".tmp")).expect("it can be removed");
    put(&store, "a/b/d", PutMode::IfAbsent).await.expect("writes need nothing that they cannot make");
    store.check(Access::Write).await.expect("the store can be used");
    fs::remove_dir_all(directory.path()).expect("it can be removed");
    let gone = store.check(Access::Write).await.expect_err("the store is gone");
    assert!(matches!(gone, Error::Unavailable { .. }), "{gone:?}");
    let gone = store.check(Access::Read).await.expect_err("the store is gone");
    assert!(matches!(gone, Error::Unavailable { .. }), "{gone:?}");
}

#[tokio::test]
async fn a_store_cannot_be_a_file() {
    let file = tempfile::NamedTempFile::new().expect("a file for the test");
    for path in [file.path().to_owned(), file.path().join("below")] {
        let error = LocalStore::open(&path).await.expect_err("a file is no directory");
        assert!(error.to_string().contains(&path.display().to_string()), "the message names it: {error}");
    }
}

/// Says something that the test runner does not keep to itself when the test passes.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error is open");
}

/// A file system of one megabyte, where the test may mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(directory.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: where the test has failed there may be files open still.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            say(&format!("the test's disk is left mounted at {}", self.0.path().display()));
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_of_and_harms_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        say("skipped: this user may not mount the small disk that is to be filled");
        return;
    };
    let store = LocalStore::open(disk.0.path()).await.expect("it opens");
    let chunk = Bytes::from(vec![7; 100 << 10]);
    let mut written = 0;
    let error = loop {
        match store.put(&key(&format!("chunk/{written}")), chunk.clone(), PutMode::IfAbsent).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 11, "one megabyte cannot hold 1100 kilobytes");
    };
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("no space left for object `chunk/"), "{error}");
    assert_eq!(unfinished(disk.0.path()), 0, "the unfinished write does not fill the disk for ever");
    assert_eq!(store.list("chunk/", None, 100).await.expect("it lists").len(), written, "what was written is there");
    store.delete(&key("chunk/0")).await.expect("deleting frees space");
    store.put(&key("again"), chunk, PutMode::IfAbsent).await.expect("and then there is room again");
}
