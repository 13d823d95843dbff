//! Listing.

use super::{key, put};
use crate::{Key, Meta, ObjectStore, PutMode};

/// In the order of their bytes, which is not that of a walk through directories: `.` < `/` < `0`.
const NAMES: [&str; 9] =
    ["list/a", "list/b.c", "list/b/a", "list/b/c/d", "list/b/c0", "list/b0", "list/ba", "list/c/x", "list/ü"];

pub(super) async fn suite(store: &dyn ObjectStore) {
    let nothing = list(store, "list/", None, 10).await;
    assert_eq!(nothing, Vec::<String>::new(), "a prefix that nothing has");
    for (size, name) in NAMES.iter().enumerate().rev() {
        put(store, name, &"x".repeat(size), PutMode::Overwrite).await.expect("it can be written");
    }
    put(store, "lisu", "after all of them", PutMode::Overwrite).await.expect("it can be written");
    tells_sizes(store).await;
    filters_by_prefix(store).await;
    pages(store).await;
    put(store, "list/c/x", "", PutMode::Overwrite).await.expect("it can be written");
    store.delete(&key("list/c/x")).await.expect("it can be deleted");
    assert_eq!(list(store, "list/c", None, 10).await, Vec::<String>::new(), "what is deleted is not listed");
}

async fn tells_sizes(store: &dyn ObjectStore) {
    let listed = store.list("list/", None, 100).await.expect("it can be listed");
    let expected = NAMES.iter().enumerate().map(|(size, name)| Meta { key: key(name), size: size as u64 });
    assert_eq!(listed, expected.collect::<Vec<_>>(), "all objects of a prefix in order of their keys");
}

async fn filters_by_prefix(store: &dyn ObjectStore) {
    for prefix in ["list/", "list/b", "list/b/", "list/b/c", "list/b/c/d", "list/ü", "lis", "list/b/c/d/"] {
        let expected: Vec<&str> = NAMES.into_iter().chain(["lisu"]).filter(|name| name.starts_with(prefix)).collect();
        assert_eq!(list(store, prefix, None, 100).await, expected, "the objects whose keys begin with `{prefix}`");
    }
    let all = list(store, "", None, 1000).await;
    assert!(all.is_sorted() && NAMES.iter().all(|name| all.iter().any(|other| other == name)), "everything: {all:?}");
    for prefix in ["list//", "/", "list/../list/", "./", "list\\", "LIST/"] {
        assert_eq!(list(store, prefix, None, 10).await, Vec::<String>::new(), "no key begins with `{prefix}`");
    }
}

async fn pages(store: &dyn ObjectStore) {
    for limit in 1..=NAMES.len() + 1 {
        let mut seen = Vec::new();
        let mut after: Option<Key> = None;
        loop {
            let page = list(store, "list/", after.as_ref(), limit).await;
            assert!(page.len() <= limit, "a page of {} where at most {limit} were asked for", page.len());
            let Some(last) = page.last() else { break };
            after = Some(key(last));
            seen.extend(page);
        }
        assert_eq!(seen, NAMES, "pages of {limit}, one after another");
    }
    assert_eq!(list(store, "list/", None, 0).await, Vec::<String>::new(), "a page of nothing");
    let after = key("list/b/bb");
    assert_eq!(list(store, "list/", Some(&after), 1).await, ["list/b/c/d"], "`after` need not be an object");
    let before = key("a");
    assert_eq!(list(store, "list/", Some(&before), 1).await, ["list/a"], "`after` may come before the prefix");
    let beyond = key("list0");
    assert_eq!(list(store, "list/", Some(&beyond), 9).await, Vec::<String>::new(), "`after` may come after it");
}

async fn list(store: &dyn ObjectStore, prefix: &str, after: Option<&Key>, limit: usize) -> Vec<String> {
    let listed = store.list(prefix, after, limit).await.expect("it can be listed");
    listed.into_iter().map(|meta| meta.key.to_string()).collect()
}
