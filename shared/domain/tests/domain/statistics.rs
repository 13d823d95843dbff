//! Wilson's interval and McNemar's test against SciPy 1.17.1.

use pappus_domain::stats::{McNemar, Proportion, StatsError};
use proptest::prelude::*;

use crate::material::{answer, answers};

fn is_close(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-9 * wanted.abs()
}

/// Reference: `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`.
#[test]
fn the_interval_is_wilsons() {
    let known = [
        (0, 1, 0.0, 0.793_450_685_622_762_6),
        (1, 1, 0.206_549_314_377_237_45, 1.0),
        (0, 10, 0.0, 0.277_532_799_862_889_26),
        (1, 3, 0.061_491_944_720_396_26, 0.792_340_399_197_952_3),
        (40, 80, 0.392_974_150_861_197_2, 0.607_025_849_138_802_8),
        (77, 80, 0.895_452_799_099_548_9, 0.987_165_431_080_088_6),
        (80, 80, 0.954_181_870_464_472_9, 1.0),
        (950, 1000, 0.934_686_179_755_749_1, 0.961_869_737_607_251_1),
        (999_999, 1_000_000, 0.999_994_335_088_195_7, 0.999_999_823_475_423_3),
    ];
    for (successes, of, low, high) in known {
        let found = Proportion::new(successes, of);
        assert!(is_close(found.low, low) && is_close(found.high, high), "{successes} of {of}: {found:?}");
        assert_eq!((found.value, found.of), (successes as f64 / of as f64, of));
    }
    assert_eq!(Proportion::new(0, 0), Proportion { value: 0.0, low: 0.0, high: 1.0, of: 0 });
}

#[test]
fn rounding_keeps_the_ends_where_they_belong() {
    for of in 1..=1000 {
        assert_eq!((Proportion::new(0, of).low, Proportion::new(of, of).high), (0.0, 1.0), "{of}");
    }
}

/// Reference: `scipy.stats.binomtest(candidate_only, champion_only + candidate_only)`, two-sided and with
/// `alternative="less"`.
#[test]
fn the_test_is_the_exact_binomial_one() {
    let known = [
        (1, 0, 1.0, 0.5),
        (0, 1, 1.0, 1.0),
        (5, 0, 0.0625, 0.03125),
        (3, 2, 1.0, 0.5),
        (8, 1, 0.039_062_5, 0.019_531_25),
        (1, 8, 0.039_062_5, 0.998_046_875),
        (10, 10, 1.0, 0.588_098_526_000_976_6),
        (121, 59, 4.434_449_263_755_164_5e-6, 2.217_224_631_877_582_3e-6),
        (59, 121, 4.434_449_263_755_164_5e-6, 0.999_998_950_577_836),
        (600, 500, 0.002_819_544_991_436_428_4, 0.001_409_772_495_718_214_2),
        (5000, 5300, 0.003_215_819_673_645_259, 0.998_491_636_148_147_4),
        (3000, 1000, 2.491_514_538_629_926e-229, 1.245_757_269_314_963e-229),
        (100_000, 101_000, 0.025_862_392_439_732_95, 0.987_216_717_302_245_8),
        (1_000_000, 1_003_000, 0.034_088_365_079_432, 0.983_015_438_647_425_4),
        (2_147_483_647, 2_147_400_000, 0.201_832_140_975_557_93, 0.100_916_070_487_778_97),
    ];
    for (champion_only, candidate_only, different, worse) in known {
        let found = McNemar::new(champion_only, candidate_only);
        assert!(is_close(found.p_different, different) && is_close(found.p_worse, worse), "{found:?}");
    }
    let nothing = McNemar { champion_only: 0, candidate_only: 0, p_different: 1.0, p_worse: 1.0 };
    assert_eq!(McNemar::new(0, 0), nothing);
    assert_eq!(McNemar::new(u32::MAX, 0).p_worse, 0.0);
    assert_eq!(McNemar::new(0, u32::MAX).p_worse, 1.0);
}

#[test]
fn only_discordant_images_count() {
    // Truth 0 four times; right are: both, champion only, champion only, candidate only.
    let given = |classes: [usize; 4]| classes.map(|class| answer(2, 0, class, 0.9));
    let (champion, candidate) = (given([0, 0, 0, 1]), given([0, 1, 1, 0]));
    assert_eq!(McNemar::compare(&candidate, &champion), Ok(McNemar::new(2, 1)));
    assert_eq!(McNemar::compare(&champion, &candidate), Ok(McNemar::new(1, 2)));
    let other = [answer(2, 1, 0, 0.9), answer(2, 0, 0, 0.9), answer(2, 0, 0, 0.9), answer(2, 0, 0, 0.9)];
    let refused = |candidate, champion| Err(StatsError::OtherImages { candidate, champion });
    assert_eq!(McNemar::compare(&candidate, &other), refused(4, 4));
    assert_eq!(McNemar::compare(&candidate, &answers([[1, 0], [0, 0]], 0.9)), refused(4, 1));
}

proptest! {
    #[test]
    fn an_interval_holds_its_share(of in 0_u64..10_000, part in 0.0..=1.0_f64) {
        let found = Proportion::new((of as f64 * part) as u64, of);
        prop_assert!(0.0 <= found.low && found.low <= found.value && found.value <= found.high && found.high <= 1.0);
    }

    #[test]
    fn more_trials_make_an_interval_narrower(successes in 0_u64..100, failures in 0_u64..100) {
        prop_assume!(successes + failures > 0);
        let width = |scale: u64| {
            let share = Proportion::new(scale * successes, scale * (successes + failures));
            share.high - share.low
        };
        prop_assert!(width(2) < width(1));
    }

    #[test]
    fn the_test_is_fair_to_both(champion in 0_u32..400, candidate in 0_u32..400) {
        let (one, other) = (McNemar::new(champion, candidate), McNemar::new(candidate, champion));
        prop_assert_eq!(one.p_different, other.p_different);
        for p in [one.p_different, one.p_worse, other.p_worse] {
            prop_assert!(p > 0.0 && p <= 1.0);
        }
        // The two one-sided tails share the outcome that was seen, so together they are more than 1.
        prop_assert!(one.p_worse + other.p_worse >= 1.0);
        prop_assert!(McNemar::new(champion + 1, candidate).p_worse < one.p_worse || one.p_worse > 1.0 - 1e-12);
    }
}
