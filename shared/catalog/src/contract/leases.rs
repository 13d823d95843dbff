//! Leases.

use futures::future::join_all;
use pappus_domain::Lease;

use super::samples::time;
use crate::{Acquired, Catalog};

pub(super) async fn suite(catalog: &dyn Catalog) {
    one_holder_at_a_time(catalog).await;
    renewing_keeps_it(catalog).await;
    what_has_run_out_can_be_taken(catalog).await;
    giving_back_frees_it(catalog).await;
    one_of_many_wins(catalog).await;
}

const NAME: &str = "train/pets";

async fn acquire(catalog: &dyn Catalog, holder: &str, seconds: i64) -> Acquired {
    catalog.acquire_lease(NAME, holder, time(seconds)).await.expect("a lease can be asked for")
}

async fn held(catalog: &dyn Catalog) -> Option<Lease> {
    catalog.lease(NAME).await.expect("a lease can be looked at")
}

#[track_caller]
fn granted(acquired: Acquired, holder: &str, seconds: i64, dead: Option<&str>) -> Lease {
    let Acquired::Granted { lease, after } = acquired else { panic!("granted, not {acquired:?}") };
    assert_eq!((lease.name.as_str(), lease.holder.as_str(), after.as_deref()), (NAME, holder, dead));
    let expiry = time(seconds).checked_add(Lease::LIFE).expect("a moment of this century");
    assert_eq!(lease.expires_at, expiry, "a lease lasts {:?}", Lease::LIFE);
    lease
}

async fn one_holder_at_a_time(catalog: &dyn Catalog) {
    assert_eq!(held(catalog).await, None);
    let first = granted(acquire(catalog, "a", 0).await, "a", 0, None);
    assert_eq!(held(catalog).await, Some(first.clone()));
    assert_eq!(acquire(catalog, "b", 9).await, Acquired::Held(first.clone()), "it has not run out yet");
    let again = granted(acquire(catalog, "a", 9).await, "a", 9, None);
    assert!(again.beat > first.beat, "what its holder asks for again is a renewal");
    let other = catalog.acquire_lease("train/birds", "b", time(9)).await.expect("a lease can be asked for");
    assert!(matches!(other, Acquired::Granted { .. }), "another lease is another lease");
}

async fn renewing_keeps_it(catalog: &dyn Catalog) {
    let lease = held(catalog).await.expect("it is held");
    let renewed = catalog.renew_lease(&lease, time(15)).await.expect("it can be renewed").expect("it is still held");
    assert!(renewed.beat > lease.beat, "the beat grows");
    assert_eq!(renewed.expires_at, time(25));
    let once_more = catalog.renew_lease(&lease, time(16)).await.expect("it can be renewed").expect("it is still held");
    assert_eq!(once_more.beat, renewed.beat + 1, "whatever beat the holder remembers");
    assert_eq!(held(catalog).await, Some(once_more));
}

async fn what_has_run_out_can_be_taken(catalog: &dyn Catalog) {
    let before = held(catalog).await.expect("it is held");
    assert!(matches!(acquire(catalog, "b", 25).await, Acquired::Held(_)), "it runs out at 26");
    let taken = granted(acquire(catalog, "b", 26).await, "b", 26, Some("a"));
    assert!(taken.beat > before.beat, "the beat grows from holder to holder too");
    assert_eq!(catalog.renew_lease(&before, time(27)).await.expect("no error"), None, "it is no longer a's");
    catalog.release_lease(&before).await.expect("giving back what one does not hold is no error");
    assert_eq!(held(catalog).await, Some(taken), "and changes nothing");
    granted(acquire(catalog, "b", 99).await, "b", 99, None);
    let late = held(catalog).await.expect("it is held");
    let revived = catalog.renew_lease(&late, time(200)).await.expect("it can be renewed");
    assert!(revived.is_some(), "what has run out and was not taken is still its holder's");
}

async fn giving_back_frees_it(catalog: &dyn Catalog) {
    let lease = held(catalog).await.expect("it is held");
    for _ in 0..2 {
        catalog.release_lease(&lease).await.expect("it can be given back");
        assert_eq!(held(catalog).await, None);
    }
    assert_eq!(catalog.renew_lease(&lease, time(201)).await.expect("no error"), None, "what was given back is gone");
    granted(acquire(catalog, "c", 201).await, "c", 201, None);
}

async fn one_of_many_wins(catalog: &dyn Catalog) {
    let holders: Vec<String> = (0..32).map(|number| format!("holder-{number}")).collect();
    let answers = join_all(holders.iter().map(|holder| acquire(catalog, holder, 300))).await;
    let mut winner = None;
    for answer in &answers {
        let Acquired::Granted { lease, after } = answer else { continue };
        assert_eq!(after.as_deref(), Some("c"), "the winner is told whose lease had run out");
        assert!(winner.replace(lease).is_none(), "only one of 32 is granted it: {answers:?}");
    }
    let winner = winner.expect("one of 32 is granted it");
    for answer in &answers {
        let (Acquired::Held(lease) | Acquired::Granted { lease, .. }) = answer;
        assert_eq!(lease, winner, "the others are told who holds it");
    }
}
