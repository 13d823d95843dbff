//! Objects piece by piece.

use std::future::pending;

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::{key, put, text};
use crate::{Error, ObjectStore, PutMode, Reading, Source, Writing};

const MIB: usize = 1 << 20;

pub(super) async fn suite(store: &dyn ObjectStore) {
    reads_what_was_written(store).await;
    copies(store).await;
    missing_objects_are_not_found(store).await;
    shows_nothing_before_it_is_whole(store).await;
    leaves_things_as_they_are_where_the_source_fails(store).await;
    leaves_things_as_they_are_where_the_size_is_wrong(store).await;
    leaves_nothing_when_dropped(store).await;
    keeps_what_is_there(store).await;
    one_writer_of_many_wins(store).await;
}

/// So many mebibytes, no two of which are alike.
fn mebibytes(count: usize) -> impl Iterator<Item = Bytes> {
    (0..count).map(|number| {
        let mut piece = vec![number as u8; MIB];
        piece[..8].copy_from_slice(&(number as u64).to_le_bytes());
        piece.into()
    })
}

fn pieces(
    pieces: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>,
) -> BoxStream<'static, Result<Bytes, Source>> {
    stream::iter(pieces).map(Ok).boxed()
}

fn of_unknown_size(bytes: BoxStream<'static, Result<Bytes, Source>>) -> Writing<'static> {
    Writing { size: None, bytes }
}

async fn read(store: &dyn ObjectStore, name: &str) -> Vec<u8> {
    let Reading { size, bytes } = store.get_stream(&key(name)).await.expect("it is there");
    let read = bytes.try_collect::<Vec<Bytes>>().await.expect("all of it can be read").concat();
    assert_eq!(read.len() as u64, size, "the size of `{name}` as it was told first");
    read
}

async fn reads_what_was_written(store: &dyn ObjectStore) {
    let small: Vec<Bytes> = ["", "a", "", "bc", ""].map(|text: &str| Bytes::copy_from_slice(text.as_bytes())).to_vec();
    // Twice the size of a part, exactly and with something behind it.
    let (exact, large) = (mebibytes(16).collect(), mebibytes(17).chain([Bytes::from_static(b"end")]).collect());
    for (name, content) in [("none", Vec::new()), ("small", small), ("exact", exact), ("large", large)] {
        let name = format!("streams/{name}");
        let whole = content.concat();
        for size in [None, Some(whole.len() as u64)] {
            let writing = Writing { size, bytes: pieces(content.clone()) };
            let written = store.put_stream(&key(&name), writing, PutMode::Overwrite).await.expect("it can be written");
            assert_eq!(written, whole.len() as u64, "the size of `{name}`");
            assert!(read(store, &name).await == whole, "`{name}` as it was written");
        }
        let got = store.get(&key(&name), 1 << 30).await.expect("it can be read at once");
        assert!(got == whole, "`{name}`, read at once, as it was written");
        assert_eq!(store.head(&key(&name)).await.expect("it is there").size, whole.len() as u64);
    }
    let whole = Bytes::from(mebibytes(17).collect::<Vec<_>>().concat());
    store.put(&key("streams/large"), whole.clone(), PutMode::Overwrite).await.expect("it can be written at once");
    assert!(read(store, "streams/large").await == whole, "what was written at once is read piece by piece");
}

async fn copies(store: &dyn ObjectStore) {
    let reading = store.get_stream(&key("streams/large")).await.expect("it is there");
    store.put_stream(&key("streams/copy"), reading.into(), PutMode::IfAbsent).await.expect("it can be written");
    assert!(read(store, "streams/copy").await == read(store, "streams/large").await, "a copy is as what was copied");
}

async fn missing_objects_are_not_found(store: &dyn ObjectStore) {
    for name in ["missing", "streams/missing", "streams"] {
        let read = store.get_stream(&key(name)).await;
        assert!(matches!(&read, Err(Error::NotFound { key: k }) if *k == key(name)), "`{name}`: {read:?}");
    }
}

async fn shows_nothing_before_it_is_whole(store: &dyn ObjectStore) {
    let name = key("streams/whole");
    let bytes = stream::iter(mebibytes(17)).then(async |piece| {
        let seen = store.head(&name).await;
        assert!(matches!(seen, Err(Error::NotFound { .. })), "a part of an object is seen: {seen:?}");
        Ok(piece)
    });
    let writing = Writing { size: None, bytes: bytes.boxed() };
    store.put_stream(&name, writing, PutMode::IfAbsent).await.expect("it can be written");
    assert_eq!(store.head(&name).await.expect("it is there").size, 17 << 20);
}

async fn leaves_things_as_they_are_where_the_source_fails(store: &dyn ObjectStore) {
    put(store, "streams/kept", "first", PutMode::Overwrite).await.expect("it can be written");
    for count in [0, 1, 17] {
        for (name, mode) in [("streams/failed", PutMode::IfAbsent), ("streams/kept", PutMode::Overwrite)] {
            let bytes = pieces(mebibytes(count)).chain(stream::iter([Err("a bad sector".into())]));
            let failed = store.put_stream(&key(name), of_unknown_size(bytes.boxed()), mode).await;
            assert!(matches!(&failed, Err(Error::SourceFailed { key: k, .. }) if *k == key(name)), "{failed:?}");
        }
        unwritten(store, "streams/failed").await;
        assert_eq!(text(store, "streams/kept").await, "first", "a write that failed changes nothing");
    }
}

async fn leaves_things_as_they_are_where_the_size_is_wrong(store: &dyn ObjectStore) {
    for (count, size) in [(0, 1), (1, 0), (1, MIB + 1), (1, MIB - 1), (17, 18 * MIB), (18, 17 * MIB)] {
        let writing = Writing { size: Some(size as u64), bytes: pieces(mebibytes(count)) };
        let wrong = store.put_stream(&key("streams/wrong"), writing, PutMode::IfAbsent).await;
        let is_told = matches!(wrong, Err(Error::WrongSize { expected, found, .. })
            if expected == size as u64 && found != expected && found <= (count * MIB) as u64);
        assert!(is_told, "{count} MiB instead of {size} bytes: {wrong:?}");
        unwritten(store, "streams/wrong").await;
    }
}

async fn leaves_nothing_when_dropped(store: &dyn ObjectStore) {
    for count in [0, 1, 17] {
        let (waits, waiting) = oneshot::channel();
        let end = stream::once(async move {
            waits.send(()).expect("the test listens");
            pending().await
        });
        let bytes = pieces(mebibytes(count)).chain(end).boxed();
        let name = key("streams/dropped");
        let write = store.put_stream(&name, of_unknown_size(bytes), PutMode::IfAbsent);
        match select(write, waiting).await {
            Either::Left((written, _)) => panic!("it cannot have ended: {written:?}"),
            Either::Right((waiting, write)) => {
                waiting.expect("it waits for more");
                drop(write);
            }
        }
        unwritten(store, "streams/dropped").await;
    }
}

/// Nothing is there, nor in the way.
async fn unwritten(store: &dyn ObjectStore, name: &str) {
    let read = store.get_stream(&key(name)).await;
    assert!(matches!(read, Err(Error::NotFound { .. })), "something of `{name}` is left: {read:?}");
    put(store, name, "free", PutMode::IfAbsent).await.expect("its key is free");
    store.delete(&key(name)).await.expect("it can be deleted");
}

async fn keeps_what_is_there(store: &dyn ObjectStore) {
    put(store, "streams/taken", "first", PutMode::Overwrite).await.expect("it can be written");
    for count in [0, 1, 17] {
        let writing = of_unknown_size(pieces(mebibytes(count)));
        let again = store.put_stream(&key("streams/taken"), writing, PutMode::IfAbsent).await;
        assert!(matches!(&again, Err(Error::AlreadyExists { key: k }) if *k == key("streams/taken")), "{again:?}");
        assert_eq!(text(store, "streams/taken").await, "first", "a refused write changes nothing");
    }
}

async fn one_writer_of_many_wins(store: &dyn ObjectStore) {
    let content = |writer: usize| vec![writer as u8; 9 * MIB];
    let name = key("streams/race");
    let writes = (0..4).map(|writer| {
        let writing = of_unknown_size(pieces([Bytes::from(content(writer))]));
        store.put_stream(&name, writing, PutMode::IfAbsent)
    });
    let outcomes = join_all(writes).await;
    let won: Vec<usize> = (0..4).filter(|writer| outcomes[*writer].is_ok()).collect();
    assert_eq!(won.len(), 1, "exactly one of four writers of one free key wins: {outcomes:?}");
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::AlreadyExists { .. })));
    assert_eq!(lost.count(), 3, "the others are told so: {outcomes:?}");
    assert!(read(store, "streams/race").await == content(won[0]), "what the winner wrote is there");
}
