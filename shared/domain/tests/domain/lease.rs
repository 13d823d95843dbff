//! Leases: they run out, and a living holder is quicker than that.

use pappus_domain::Lease;
use proptest::prelude::*;

use crate::material::{leaf, times};

proptest! {
    #[test]
    fn a_lease_runs_out_at_its_end(end in times(), now in times()) {
        let lease = Lease { name: Lease::for_training(&leaf()), holder: "a".into(), beat: 1, expires_at: end };
        prop_assert_eq!(lease.is_expired(now), now >= end);
        prop_assert!(lease.is_expired(end));
        prop_assert_eq!(serde_json::from_str::<Lease>(&serde_json::to_string(&lease).unwrap()).unwrap(), lease);
    }
}

#[test]
fn a_living_holder_may_miss_a_few_beats() {
    assert!(Lease::HEARTBEAT * 3 < Lease::LIFE);
    assert_eq!(Lease::for_training(&leaf()), "train/leaf");
}
