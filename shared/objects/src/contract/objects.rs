//! Single objects.

use bytes::Bytes;
use futures::future::join_all;

use super::{key, put, text};
use crate::{Error, Key, ObjectStore, PutMode};

pub(super) async fn suite(store: &dyn ObjectStore) {
    reads_what_was_written(store).await;
    missing_objects_are_not_found(store).await;
    overwrites(store).await;
    keeps_what_is_there(store).await;
    limits_reads(store).await;
    deletes(store).await;
    holds_odd_keys(store).await;
    one_writer_of_many_wins(store).await;
    readers_see_whole_objects(store).await;
}

async fn reads_what_was_written(store: &dyn ObjectStore) {
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (name, bytes) in [("objects/empty", Vec::new()), ("objects/bytes", every_byte)] {
        let bytes = Bytes::from(bytes);
        store.put(&key(name), bytes.clone(), PutMode::IfAbsent).await.expect("a free key can be written");
        assert_eq!(store.get(&key(name), 1 << 20).await.expect("it can be read"), bytes, "`{name}` as it was written");
        let meta = store.head(&key(name)).await.expect("it is there");
        assert_eq!((meta.key, meta.size), (key(name), bytes.len() as u64), "what is known of `{name}`");
    }
}

async fn missing_objects_are_not_found(store: &dyn ObjectStore) {
    // The last of them is a part of a key, but no object.
    for name in ["missing", "objects/missing", "missing/too", "objects"] {
        let got = store.get(&key(name), 10).await;
        assert!(matches!(&got, Err(Error::NotFound { key: k }) if *k == key(name)), "get of `{name}`: {got:?}");
        let head = store.head(&key(name)).await;
        assert!(matches!(&head, Err(Error::NotFound { key: k }) if *k == key(name)), "head of `{name}`: {head:?}");
    }
}

async fn overwrites(store: &dyn ObjectStore) {
    for content in ["first and longer", "second", ""] {
        put(store, "objects/over", content, PutMode::Overwrite).await.expect("overwriting is always possible");
        assert_eq!(text(store, "objects/over").await, content);
    }
}

async fn keeps_what_is_there(store: &dyn ObjectStore) {
    put(store, "objects/kept", "first", PutMode::IfAbsent).await.expect("a free key can be written");
    let again = put(store, "objects/kept", "second", PutMode::IfAbsent).await;
    assert!(matches!(&again, Err(Error::AlreadyExists { key: k }) if *k == key("objects/kept")), "{again:?}");
    assert_eq!(text(store, "objects/kept").await, "first", "a refused write changes nothing");
}

async fn limits_reads(store: &dyn ObjectStore) {
    put(store, "objects/limited", "12345", PutMode::Overwrite).await.expect("it can be written");
    let exact = store.get(&key("objects/limited"), 5).await.expect("an object as large as the limit is read");
    assert_eq!(exact, Bytes::from_static(b"12345"));
    let larger = store.get(&key("objects/limited"), 4).await;
    assert!(matches!(larger, Err(Error::TooLarge { size: 5, limit: 4, .. })), "{larger:?}");
}

async fn deletes(store: &dyn ObjectStore) {
    put(store, "objects/gone", "x", PutMode::Overwrite).await.expect("it can be written");
    for _ in 0..2 {
        store.delete(&key("objects/gone")).await.expect("deleting what is not there is no error");
        let got = store.get(&key("objects/gone"), 10).await;
        assert!(matches!(got, Err(Error::NotFound { .. })), "{got:?}");
    }
    store.delete(&key("objects")).await.expect("deleting what is a part of a key only is no error");
    assert_eq!(text(store, "objects/kept").await, "first", "and does no harm");
    put(store, "objects/gone", "back", PutMode::IfAbsent).await.expect("its key is free again");
}

async fn holds_odd_keys(store: &dyn ObjectStore) {
    // The greatest length of a key, as far as a prefix leaves it room.
    let room = Key::MAX_BYTES - store.bucket().map_or(0, |bucket| bucket.prefix.len());
    let folder = "directory-with-a-long-name/";
    let long = folder.repeat(room / folder.len() - 1);
    let long = format!("{long}{}", "x".repeat(room - long.len()));
    assert_eq!(long.len(), room);
    for name in ["odd/with space", "odd/%2e%2e", "odd/ünï-çode-圖", "odd/...", "odd/a?b#c&d=e+f", "-", long.as_str()]
    {
        put(store, name, name, PutMode::IfAbsent).await.expect("every key can be written");
        assert_eq!(text(store, name).await, name);
        store.delete(&key(name)).await.expect("and deleted");
    }
}

async fn one_writer_of_many_wins(store: &dyn ObjectStore) {
    let contents: Vec<String> = (0..32).map(|writer| format!("writer {writer}")).collect();
    let writes = contents.iter().map(|content| put(store, "objects/race", content, PutMode::IfAbsent));
    let outcomes = join_all(writes).await;
    let won: Vec<&String> =
        contents.iter().zip(&outcomes).filter_map(|(content, outcome)| outcome.is_ok().then_some(content)).collect();
    assert_eq!(won.len(), 1, "exactly one of 32 writers of one free key wins, not {won:?}");
    let lost = |outcome: &Result<(), Error>| matches!(outcome, Err(Error::AlreadyExists { .. }));
    assert_eq!(outcomes.iter().filter(|outcome| lost(outcome)).count(), 31, "the others are told so: {outcomes:?}");
    assert_eq!(text(store, "objects/race").await, *won[0], "what the winner wrote is there");
}

async fn readers_see_whole_objects(store: &dyn ObjectStore) {
    let content = |digit: usize| digit.to_string().repeat(50_000);
    put(store, "objects/whole", &content(0), PutMode::Overwrite).await.expect("it can be written");
    let turns = (0..10).map(|digit| async move {
        put(store, "objects/whole", &content(digit), PutMode::Overwrite).await.expect("it can be overwritten");
        let seen = text(store, "objects/whole").await;
        assert_eq!(seen.len(), 50_000, "a reader sees all of an object");
        assert!(seen.bytes().all(|b| b == seen.as_bytes()[0]), "a reader sees one writer's object, not a mixture");
    });
    join_all(turns).await;
}
