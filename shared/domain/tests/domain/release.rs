//! Releases and their ledger: the rules of promotion and rollback, and that nothing is changed unseen.

use pappus_domain::release::{CannotChange, Change, LedgerEntry, ReleaseAction};
use pappus_domain::{Digest, ModelVersion, Release, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::material::{leaf, times, versions};

fn version(text: &str) -> ModelVersion {
    text.parse().unwrap()
}

#[test]
fn the_first_release_has_nothing_before_it() {
    let first = Release::promote(None, &leaf(), &version("a")).unwrap();
    assert_eq!(first, Release { model: leaf(), champion: version("a"), previous: None, generation: 1 });
    assert_eq!(first.roll_back(), Err(CannotChange::NothingBefore));
    assert_eq!(
        Release::promote(Some(&first), &leaf(), &version("a")),
        Err(CannotChange::AlreadyChampion(version("a")))
    );
}

#[test]
fn a_rollback_can_be_rolled_back() {
    let first = Release::promote(None, &leaf(), &version("a")).unwrap();
    let second = Release::promote(Some(&first), &leaf(), &version("b")).unwrap();
    let back = second.roll_back().unwrap();
    assert_eq!((&back.champion, back.previous.as_ref()), (&version("a"), Some(&version("b"))));
    assert_eq!(back.roll_back().unwrap(), Release { generation: 4, ..second });
}

/// What is tried on a release.
#[derive(Clone, Debug)]
enum Step {
    Promote(ModelVersion),
    RollBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => versions().prop_map(Step::Promote), 1 => Just(Step::RollBack)];
    prop::collection::vec(step, 1..20)
}

/// Every release that the steps make, refused ones left out, and the ledger of them.
fn history(steps: &[Step], at: Timestamp) -> (Vec<Release>, Vec<LedgerEntry>) {
    let (mut releases, mut ledger) = (Vec::<Release>::new(), Vec::<LedgerEntry>::new());
    for step in steps {
        let now = releases.last();
        let (action, next) = match step {
            Step::Promote(version) => (ReleaseAction::Promote, Release::promote(now, &leaf(), version).ok()),
            Step::RollBack => (ReleaseAction::Rollback, now.and_then(|release| release.roll_back().ok())),
        };
        let Some(next) = next else { continue };
        let change = Change { action, actor: "promote".into(), reason: "gates passed".into(), at };
        ledger.push(LedgerEntry::new(ledger.last(), now, &next, change));
        releases.push(next);
    }
    (releases, ledger)
}

proptest! {
    #[test]
    fn every_change_is_one_generation_and_remembers_the_one_before(steps in steps(), at in times()) {
        let (releases, ledger) = history(&steps, at);
        for (index, release) in releases.iter().enumerate() {
            prop_assert_eq!(release.generation, index as u64 + 1);
            prop_assert_eq!(release.previous.as_ref(), index.checked_sub(1).map(|before| &releases[before].champion));
            prop_assert_ne!(Some(&release.champion), release.previous.as_ref());
            prop_assert_eq!((&ledger[index].to, &ledger[index].from), (&release.champion, &release.previous));
        }
    }

    #[test]
    fn an_honest_ledger_is_believed_also_when_read_back(steps in steps(), at in times()) {
        let (_, ledger) = history(&steps, at);
        LedgerEntry::verify(&ledger).unwrap();
        let read: Vec<LedgerEntry> = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        LedgerEntry::verify(&read).unwrap();
        prop_assert_eq!(read, ledger);
    }

    #[test]
    fn tampering_is_found(
        steps in steps(), at in times(), entry in any::<Index>(), how in 0..FORGERIES.len(),
    ) {
        let (_, mut ledger) = history(&steps, at);
        prop_assume!(!ledger.is_empty());
        let index = entry.index(ledger.len());
        FORGERIES[how](&mut ledger[index]);
        let found = LedgerEntry::verify(&ledger).unwrap_err();
        prop_assert_eq!((found.model, found.generation), (ledger[index].model.clone(), ledger[index].generation));
    }

    #[test]
    fn a_covered_up_forgery_is_found_at_the_next_entry(steps in steps(), at in times(), entry in any::<Index>()) {
        let (releases, mut ledger) = history(&steps, at);
        prop_assume!(ledger.len() > 1);
        let index = entry.index(ledger.len() - 1);
        let (actor, reason) = ("somebody else".into(), String::new());
        let change = Change { action: ReleaseAction::Promote, actor, reason, at };
        let (before, from) = match index.checked_sub(1) {
            Some(before) => (Some(&ledger[before]), Some(&releases[before])),
            None => (None, None),
        };
        ledger[index] = LedgerEntry::new(before, from, &releases[index], change);
        prop_assert_eq!(LedgerEntry::verify(&ledger).unwrap_err().generation, index as u64 + 2);
    }

    #[test]
    fn a_lost_or_moved_entry_is_found(steps in steps(), at in times(), entry in any::<Index>(), lost: bool) {
        let (_, mut ledger) = history(&steps, at);
        prop_assume!(ledger.len() > 1);
        let index = entry.index(ledger.len() - 1);
        if lost {
            ledger.remove(index);
        } else {
            ledger.swap(index, index + 1);
        }
        prop_assert_eq!(LedgerEntry::verify(&ledger).unwrap_err().generation, index as u64 + 2);
    }
}

/// One forgery of each field.
const FORGERIES: [fn(&mut LedgerEntry); 10] = [
    |entry| entry.model = "other".parse().unwrap(),
    |entry| entry.generation += 1,
    |entry| {
        entry.action = match entry.action {
            ReleaseAction::Promote => ReleaseAction::Rollback,
            ReleaseAction::Rollback => ReleaseAction::Promote,
        }
    },
    |entry| entry.from = Some(version("forged")),
    |entry| entry.to = version("forged"),
    |entry| entry.actor.push('!'),
    |entry| entry.reason.clear(),
    |entry| entry.at = Timestamp::from_millisecond(entry.at.as_millisecond() + 1).unwrap(),
    |entry| entry.before = Digest::of(b"forged"),
    |entry| entry.digest = Digest::of(b"forged"),
];

/// Reference: Python's `hashlib`. Ledgers are kept for ever, so the digest of an entry is frozen.
#[test]
fn the_digest_of_an_entry_is_frozen() {
    let release = Release::promote(None, &leaf(), &version("aaaaaaaaaaaa")).unwrap();
    let at = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
    let (actor, reason) = ("promote".into(), "gates passed".into());
    let entry = LedgerEntry::new(None, None, &release, Change { action: ReleaseAction::Promote, actor, reason, at });
    assert_eq!(entry.digest.to_string(), "478cc46e863b1e3bc739441caa05b0b82b05e6846ee286b78e695820dedab389");
}
