//! The split: near-duplicates never stand on opposite sides, and no image ever changes sides.

use pappus_domain::split::{Placement, Placer};
use pappus_domain::{PerceptualHash, Split};
use proptest::prelude::*;

/// Hashes in clusters: each is a few bits away from some hash before it, or new altogether, so that groups grow, meet
/// and collide.
fn hashes() -> impl Strategy<Value = Vec<PerceptualHash>> {
    let flips = prop::collection::vec(0_u32..64, 0..9);
    let step = (any::<u64>(), prop::bool::weighted(0.1), any::<prop::sample::Index>(), flips);
    prop::collection::vec(step, 1..60).prop_map(|steps| {
        let mut hashes: Vec<u64> = Vec::new();
        for (fresh, is_fresh, near, flips) in steps {
            let base = if is_fresh || hashes.is_empty() { fresh } else { hashes[near.index(hashes.len())] };
            hashes.push(flips.iter().fold(base, |hash, bit| hash ^ (1 << bit)));
        }
        hashes.into_iter().map(PerceptualHash).collect()
    })
}

fn place(hashes: &[PerceptualHash]) -> (Placer, Vec<Placement>) {
    let mut placer = Placer::default();
    let placements = hashes.iter().map(|hash| placer.place(*hash)).collect();
    (placer, placements)
}

proptest! {
    #[test]
    fn near_duplicates_never_stand_on_opposite_sides(hashes in hashes()) {
        let (_, placements) = place(&hashes);
        let sides: Vec<_> = hashes.iter().zip(placements).filter_map(|(hash, at)| Some((*hash, at.split()?))).collect();
        for (index, (hash, side)) in sides.iter().enumerate() {
            for (other, other_side) in &sides[..index] {
                prop_assert!(!hash.is_near(*other) || side == other_side, "{hash} {side:?}, {other} {other_side:?}");
            }
        }
    }

    #[test]
    fn an_image_never_moves(hashes in hashes(), more in hashes()) {
        let (mut placer, placements) = place(&hashes);
        more.iter().for_each(|hash| { placer.place(*hash); });
        let again: Vec<_> = hashes.iter().map(|hash| placer.place(*hash)).collect();
        prop_assert_eq!(again, placements);
    }

    #[test]
    fn a_placer_that_remembers_goes_on_as_if_never_stopped(hashes in hashes(), stop in any::<prop::sample::Index>()) {
        let (_, placements) = place(&hashes);
        let stop = stop.index(hashes.len());
        let mut second = Placer::default();
        // What was placed before comes out of the catalog in any order.
        hashes[..stop].iter().zip(&placements).rev().for_each(|(hash, at)| second.remember(*hash, *at));
        let rest: Vec<_> = hashes[stop..].iter().map(|hash| second.place(*hash)).collect();
        prop_assert_eq!(rest, &placements[stop..]);
    }

    #[test]
    fn no_near_duplicate_is_overlooked(first in any::<u64>(), flips in prop::collection::vec(0_u32..64, 0..=5)) {
        let near = flips.iter().fold(first, |hash, bit| hash ^ (1 << bit));
        let (_, placements) = place(&[PerceptualHash(first), PerceptualHash(near)]);
        prop_assert_eq!(placements, vec![Placement::Group(first); 2]);
    }

    #[test]
    fn distance_is_a_metric(a in any::<u64>(), b in any::<u64>(), c in any::<u64>()) {
        let [a, b, c] = [a, b, c].map(PerceptualHash);
        prop_assert_eq!(a.distance(b), b.distance(a));
        prop_assert_eq!(a.distance(b) == 0, a == b);
        prop_assert!(a.distance(c) <= a.distance(b) + b.distance(c) && a.distance(b) <= 64);
    }

    #[test]
    fn distance_counts_bits(hash in any::<u64>(), bits in prop::collection::btree_set(0_u32..64, 0..=64)) {
        let other = bits.iter().fold(hash, |hash, bit| hash ^ (1 << bit));
        let (hash, other) = (PerceptualHash(hash), PerceptualHash(other));
        prop_assert_eq!(hash.distance(other) as usize, bits.len());
        prop_assert_eq!(hash.is_near(other), bits.len() <= 5);
    }
}

/// Reference: Python's `hashlib`. A test image must stay one through every version of this code.
#[test]
fn the_side_of_a_group_is_frozen() {
    let tests = (0..16).filter(|group| Placement::Group(*group).split() == Some(Split::Test));
    assert_eq!(tests.collect::<Vec<_>>(), [0, 5, 15]);
    assert_eq!(Placement::Group(u64::MAX).split(), Some(Split::Train));
    assert_eq!(Placement::Aside.split(), None);
}

#[test]
fn a_fifth_of_the_groups_is_held_out() {
    const GROUPS: u64 = 20_000;
    let spread = |group: u64| Placement::Group(group.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let held_out = (0..GROUPS).filter(|group| spread(*group).split() == Some(Split::Test)).count();
    let share = held_out as f64 / GROUPS as f64;
    assert!((0.19..0.21).contains(&share), "{share}: three standard deviations are 0.0085");
}

/// Group 0 is held out. Eight bits away is a group that is not; four bits from each is an image that looks like both.
#[test]
fn an_image_between_the_sides_is_set_aside() {
    let train = (0..64).map(|shift| 0xff_u64.rotate_left(shift));
    let train = train.into_iter().find(|hash| Placement::Group(*hash).split() == Some(Split::Train)).unwrap();
    let between = (0..64).map(|bit| 1 << bit).filter(|bit| train & bit != 0).take(4).sum::<u64>();
    let like_test_only = 1 << between.trailing_zeros();
    let (_, placements) = place(&[0, train, between, like_test_only].map(PerceptualHash));
    let groups = [Placement::Group(0), Placement::Group(train), Placement::Aside, Placement::Group(0)];
    assert_eq!(placements, groups);
}
