//! Sources.

use std::collections::BTreeMap;

use super::samples::{digest, name};
use crate::OnConflict::{Keep, Relabel};
use crate::{Added, Catalog, Error, OnConflict, Source, SourceStatus};

pub(super) async fn suite(catalog: &dyn Catalog) {
    adds_what_is_to_be_fetched(catalog).await;
    lists_pages(catalog).await;
    settles(catalog).await;
    fetches_again_what_failed(catalog).await;
    takes_long_urls_and_many(catalog).await;
}

async fn add(catalog: &dyn Catalog, sources: &[(&str, &str)], on_conflict: OnConflict) -> Vec<Added> {
    let sources: Vec<_> = sources.iter().map(|(url, label)| ((*url).to_owned(), name(label))).collect();
    catalog.add_sources(&sources, on_conflict).await.expect("sources can be added")
}

async fn pending(catalog: &dyn Catalog, after: Option<&str>, limit: usize) -> Vec<Source> {
    catalog.pending_sources(after, limit).await.expect("sources can be listed")
}

fn source(url: &str, label: &str) -> Source {
    Source { url: url.into(), label: name(label), status: SourceStatus::Pending }
}

async fn adds_what_is_to_be_fetched(catalog: &dyn Catalog) {
    assert_eq!(add(catalog, &[], Keep).await, []);
    let added = add(catalog, &[("http://x/b", "cat"), ("http://x/a", "dog"), ("http://x/b", "dog")], Keep).await;
    assert_eq!(added, [Added::Pending, Added::Pending, Added::Conflict(name("cat"))]);
    let added = add(catalog, &[("http://x/c", "cat"), ("http://x/b", "cat")], Keep).await;
    assert_eq!(added, [Added::Pending, Added::Pending], "a known one is to be fetched too");
    let expected = [source("http://x/a", "dog"), source("http://x/b", "cat"), source("http://x/c", "cat")];
    assert_eq!(pending(catalog, None, 10).await, expected, "in order of the URLs, each with its first label");
    for label in ["dog", "cat"] {
        assert_eq!(add(catalog, &[("http://x/b", label)], Relabel).await, [Added::Pending]);
        assert_eq!(pending(catalog, Some("http://x/a"), 1).await, [source("http://x/b", label)]);
    }
}

async fn lists_pages(catalog: &dyn Catalog) {
    assert_eq!(pending(catalog, None, 1).await, [source("http://x/a", "dog")]);
    assert_eq!(pending(catalog, Some("http://x/a"), 1).await, [source("http://x/b", "cat")]);
    assert_eq!(pending(catalog, Some("http://x/c"), 1).await, []);
}

async fn settles(catalog: &dyn Catalog) {
    let stored = SourceStatus::Stored { image: digest(1) };
    let failed = SourceStatus::Failed { reason: "404".into() };
    for (url, status) in [("http://x/a", &stored), ("http://x/b", &failed)] {
        catalog.settle_source(url, status).await.expect("a source can be settled");
    }
    assert_eq!(pending(catalog, None, 10).await, [source("http://x/c", "cat")], "what is settled is not pending");
    let counts = catalog.source_counts().await.expect("sources can be counted");
    assert_eq!(counts, BTreeMap::from([("pending".into(), 1), ("stored".into(), 1), ("failed".into(), 1)]));
    let unknown = catalog.settle_source("http://x/unknown", &stored).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}

async fn fetches_again_what_failed(catalog: &dyn Catalog) {
    let added = add(catalog, &[("http://x/a", "bird"), ("http://x/b", "bird"), ("http://x/b", "dog")], Keep).await;
    assert_eq!(added, [Added::Stored(digest(1)), Added::Pending, Added::Conflict(name("bird"))]);
    let expected = [source("http://x/b", "bird"), source("http://x/c", "cat")];
    assert_eq!(pending(catalog, None, 10).await, expected, "what failed is pending again, with the new label");
    assert_eq!(add(catalog, &[("http://x/a", "bird")], Relabel).await, [Added::Stored(digest(1))]);
    assert_eq!(pending(catalog, None, 10).await, expected, "what is stored stays so");
}

/// Where URLs differ in their first 512 bytes they are in order; of others each catalog has an order of its own.
fn is_in_order_of_beginnings(urls: &[String], limit: usize) {
    let beginnings: Vec<_> = urls.iter().map(|url| &url.as_bytes()[..url.len().min(512)]).collect();
    assert!(beginnings.is_sorted(), "in pages of {limit}: in order of their beginnings");
}

async fn takes_long_urls_and_many(catalog: &dyn Catalog) {
    // 2,048 bytes, of which the last few alone differ; and others that are shorter than what those have in common.
    let long = |number: u64| format!("http://y/{}{number:03}", "é".repeat(1018));
    let mut urls: Vec<String> = (0..20).map(long).collect();
    urls.extend((400..480).map(|length| format!("http://y/{}", "é".repeat(length))));
    urls.extend((0..300).map(|number| format!("http://z/{number}.jpg")));
    let batch: Vec<_> = urls.iter().rev().map(|url| (url.clone(), name("cat"))).collect();
    let added = catalog.add_sources(&batch, Keep).await.expect("sources can be added");
    assert_eq!(added, vec![Added::Pending; 400]);
    urls.sort();
    for limit in [1, 7, 150, 1000] {
        let (mut seen, mut after): (Vec<String>, Option<String>) = (Vec::new(), Some("http://y".into()));
        loop {
            let page = pending(catalog, after.as_deref(), limit).await;
            assert!(page.len() <= limit, "a page of {} where at most {limit} were asked for", page.len());
            let Some(last) = page.last() else { break };
            after = Some(last.url.clone());
            seen.extend(page.into_iter().map(|source| source.url));
            if limit == 1 && seen.len() == 30 {
                break;
            }
        }
        is_in_order_of_beginnings(&seen, limit);
        if limit > 1 {
            seen.sort();
            assert_eq!(seen, urls, "in pages of {limit}: all of them, each once");
        }
    }
    let failed = SourceStatus::Failed { reason: "404".into() };
    for status in [&failed, &SourceStatus::Pending] {
        catalog.settle_source(&urls[3], status).await.expect("a source can be settled");
    }
    let listed = pending(catalog, Some("http://y"), 400).await;
    assert!(listed.contains(&source(&urls[3], "cat")), "it may be pending again");
    let counts = catalog.source_counts().await.expect("sources can be counted");
    assert_eq!(counts, BTreeMap::from([("pending".into(), 402), ("stored".into(), 1)]), "no status without sources");
    assert_eq!(pending(catalog, None, 0).await, []);
}
