//! Releases and their ledger.

use futures::future::join_all;
use pappus_domain::Release;
use pappus_domain::release::{LedgerEntry, ReleaseAction};

use super::samples::{change, name, version};
use crate::{Catalog, Error};

pub(super) async fn suite(catalog: &dyn Catalog) {
    releases_and_rolls_back(catalog).await;
    refuses_what_has_moved(catalog).await;
    one_change_of_many_wins(catalog).await;
}

async fn get(catalog: &dyn Catalog, model: &str) -> Option<Release> {
    catalog.release(&name(model)).await.expect("a release can be asked for")
}

async fn releases_and_rolls_back(catalog: &dyn Catalog) {
    assert_eq!(get(catalog, "pets").await, None);
    assert_eq!(catalog.ledger(&name("pets")).await.expect("a ledger can be asked for"), []);
    let first = Release::promote(None, &name("pets"), &version(1)).expect("a first release");
    let second = Release::promote(Some(&first), &name("pets"), &version(2)).expect("a second release");
    let third = second.roll_back().expect("a rollback");
    let steps = [
        (None, &first, ReleaseAction::Promote),
        (Some(&first), &second, ReleaseAction::Promote),
        (Some(&second), &third, ReleaseAction::Rollback),
    ];
    let mut entries: Vec<LedgerEntry> = Vec::new();
    for (seconds, (from, to, action)) in (0..).zip(steps) {
        let expected = LedgerEntry::new(entries.last(), from, to, change(action, seconds));
        let entry = catalog.change_release(from, to, change(action, seconds)).await.expect("a release can change");
        assert_eq!(entry, expected, "the entry is chained to the one before");
        assert_eq!(get(catalog, "pets").await.as_ref(), Some(to));
        entries.push(entry);
    }
    let ledger = catalog.ledger(&name("pets")).await.expect("a ledger can be asked for");
    assert_eq!(ledger, entries, "the whole ledger, oldest first");
    LedgerEntry::verify(&ledger).expect("nothing in it was changed");
    assert_eq!(get(catalog, "birds").await, None, "another model has no part in it");
}

async fn refuses_what_has_moved(catalog: &dyn Catalog) {
    let current = get(catalog, "pets").await.expect("it is released");
    let next = Release::promote(Some(&current), &current.model, &version(9)).expect("another release");
    let stale = Release { generation: current.generation - 1, ..current.clone() };
    for from in [None, Some(&stale)] {
        let refused = catalog.change_release(from, &next, change(ReleaseAction::Promote, 9)).await;
        let Err(Error::ReleaseMoved { expected, found }) = refused else { panic!("refused, not {refused:?}") };
        assert_eq!((expected.as_deref(), found.as_deref()), (from, Some(&current)));
    }
    let birds = Release { model: name("birds"), ..current.clone() };
    let refused = catalog.change_release(Some(&birds), &birds, change(ReleaseAction::Promote, 9)).await;
    assert!(matches!(refused, Err(Error::ReleaseMoved { found: None, .. })), "{refused:?}");
    assert_eq!(get(catalog, "pets").await, Some(current), "what is refused changes nothing");
    assert_eq!(catalog.ledger(&name("pets")).await.expect("a ledger can be asked for").len(), 3, "nor the ledger");
}

async fn one_change_of_many_wins(catalog: &dyn Catalog) {
    let current = get(catalog, "pets").await.expect("it is released");
    let nexts: Vec<Release> = (20..36)
        .map(|number| Release::promote(Some(&current), &current.model, &version(number)).expect("another release"))
        .collect();
    let changes = nexts.iter().map(|to| catalog.change_release(Some(&current), to, change(ReleaseAction::Promote, 20)));
    let outcomes = join_all(changes).await;
    let won: Vec<&Release> =
        nexts.iter().zip(&outcomes).filter_map(|(next, outcome)| outcome.is_ok().then_some(next)).collect();
    assert_eq!(won.len(), 1, "exactly one of 16 changes at once wins: {outcomes:?}");
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let Error::ReleaseMoved { found, .. } = lost else { panic!("refused, not {lost:?}") };
        assert_eq!(found.as_deref(), Some(won[0]), "a loser sees who won");
    }
    let ledger = catalog.ledger(&name("pets")).await.expect("a ledger can be asked for");
    assert_eq!(ledger.len(), 4);
    LedgerEntry::verify(&ledger).expect("the ledger is whole");
}
