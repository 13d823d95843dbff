//! ROC curves and the surest mistakes: references, and what holds of all.

use pappus_domain::stats::{Answer, Mistake, Roc};
use proptest::prelude::*;

use crate::material::answer;

fn assert_close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found} instead of {wanted}");
}

/// Answers about two classes, each given as whether it is of class 1, and the probability of class 1.
fn scored(scores: &[(bool, f32)]) -> Vec<Answer> {
    let answer = |&(is_one, p): &(bool, f32)| Answer { truth: usize::from(is_one), probabilities: vec![1.0 - p, p] };
    scores.iter().map(answer).collect()
}

/// The area by its meaning: pairs of an image of the class and one of another, of which the first has the greater
/// probability, equal ones counted half.
fn mann_whitney(scores: &[(bool, f32)]) -> f64 {
    let of = |wanted| scores.iter().filter(move |(is_one, _)| *is_one == wanted).map(|(_, p)| *p);
    let pairs = of(true).flat_map(|p| of(false).map(move |q| (p, q)));
    let (wins, count) = pairs.fold((0.0, 0.0), |(wins, count), (p, q)| {
        let win = if p > q { 1.0 } else { f64::from(u8::from(p == q)) / 2.0 };
        (wins + win, count + 1.0)
    });
    wins / count
}

/// Reference: scikit-learn 1.7 (`roc_curve(drop_intermediate=False)`, `roc_auc_score`).
#[test]
fn curves_agree_with_scikit_learn() {
    let given: [(usize, [f32; 3]); 8] = [
        (0, [0.8, 0.1, 0.1]),
        (0, [0.6, 0.3, 0.1]),
        (0, [0.3, 0.5, 0.2]),
        (1, [0.1, 0.7, 0.2]),
        (1, [0.2, 0.6, 0.2]),
        (1, [0.7, 0.2, 0.1]),
        (2, [0.0, 0.1, 0.9]),
        (2, [0.4, 0.3, 0.3]),
    ];
    let answers = given.map(|(truth, probabilities)| Answer { truth, probabilities: probabilities.into() });
    let curve = |class| Roc::of(class, &answers).unwrap();
    for (class, area) in [(0, 0.8), (1, 0.8), (2, 1.0)] {
        assert_close(curve(class).auc.value, area);
    }
    assert_eq!((curve(1).positives, curve(1).negatives), (3, 5));
    let wanted = [
        (0.0, 0.0),
        (0.0, 1.0 / 3.0),
        (0.0, 2.0 / 3.0),
        (0.2, 2.0 / 3.0),
        (0.6, 2.0 / 3.0), // a tie between two images of other classes
        (0.6, 1.0),
        (1.0, 1.0),
    ];
    let found: Vec<(f64, f64)> = curve(1).points.iter().map(|p| (p.false_positives, p.true_positives)).collect();
    assert_eq!(found, wanted);
}

/// Reference: the equation of method 5 solved with SciPy's `brentq`.
#[test]
fn the_interval_of_the_area_is_newcombes() {
    let apart = |positives: usize, negatives: usize, is_right: bool| {
        let mut scores = vec![(is_right, 0.9); if is_right { positives } else { negatives }];
        scores.extend(vec![(!is_right, 0.1); if is_right { negatives } else { positives }]);
        Roc::of(1, &scored(&scores)).unwrap().auc
    };
    let level = Roc::of(1, &scored(&[(true, 0.5), (false, 0.5)])).unwrap().auc;
    let mut nine_of_ten = vec![(true, 0.9); 9];
    nine_of_ten.push((true, 0.1));
    nine_of_ten.extend([(false, 0.5); 30]);
    let nine_of_ten = Roc::of(1, &scored(&nine_of_ten)).unwrap().auc;
    for (found, value, low, high) in [
        (level, 0.5, 0.054_620_755_528_851_976, 0.945_379_244_471_148_1),
        (apart(1, 1, true), 1.0, 0.206_549_314_377_237_2, 1.0),
        (apart(20, 60, true), 1.0, 0.933_476_345_054_875_6, 1.0),
        (apart(5, 5, false), 0.0, 0.0, 0.357_297_176_068_966_95),
        (nine_of_ten, 0.9, 0.714_827_694_858_445, 0.966_942_105_407_157_1),
    ] {
        assert_close(found.value, value);
        assert_close(found.low, low);
        assert_close(found.high, high);
    }
}

#[test]
fn a_class_without_images_or_with_all_of_them_has_no_curve() {
    assert_eq!(Roc::of(1, &scored(&[(false, 0.1), (false, 0.9)])), None);
    assert_eq!(Roc::of(1, &scored(&[(true, 0.1), (true, 0.9)])), None);
    assert_eq!(Roc::of(0, &[]), None);
    assert_eq!(Roc::of(7, &scored(&[(false, 0.1), (true, 0.9)])), None, "there is no such class");
}

#[test]
fn the_surest_mistakes_come_first() {
    let answers = [
        answer(3, 0, 1, 0.6),
        answer(3, 1, 1, 0.99),
        answer(3, 2, 0, 0.9),
        answer(3, 0, 2, 0.6),
        answer(3, 0, 0, 0.5),
        answer(3, 1, 2, 0.7),
    ];
    let surest = |limit| -> Vec<(usize, usize, usize)> {
        Mistake::surest(&answers, limit).iter().map(|m| (m.answer, m.truth, m.answered)).collect()
    };
    assert_eq!(surest(10), [(2, 2, 0), (5, 1, 2), (0, 0, 1), (3, 0, 2)]);
    assert_eq!(surest(2), [(2, 2, 0), (5, 1, 2)]);
    assert_eq!(surest(0), []);
    assert_close(Mistake::surest(&answers, 1)[0].probability, f64::from(0.9_f32));
    assert_eq!(Mistake::surest(&answers[..0], 3), []);
}

/// Scores with many ties, and both classes.
fn scores() -> impl Strategy<Value = Vec<(bool, f32)>> {
    let score = (any::<bool>(), prop_oneof![(0_u8..4).prop_map(|n| f32::from(n) / 4.0), 0.0..1.0_f32]);
    let both = |scores: &Vec<(bool, f32)>| scores.iter().any(|(one, _)| *one) && scores.iter().any(|(one, _)| !one);
    prop::collection::vec(score, 2..40).prop_filter("both classes", both)
}

proptest! {
    #[test]
    fn the_area_is_the_statistic_of_mann_and_whitney(scores in scores()) {
        let auc = Roc::of(1, &scored(&scores)).unwrap().auc;
        prop_assert!((auc.value - mann_whitney(&scores)).abs() < 1e-12);
        prop_assert!(0.0 <= auc.low && auc.low <= auc.value && auc.value <= auc.high && auc.high <= 1.0);
    }

    #[test]
    fn the_area_is_that_under_the_points(scores in scores()) {
        let roc = Roc::of(1, &scored(&scores)).unwrap();
        let trapezium = |pair: &[pappus_domain::stats::RocPoint]| {
            (pair[1].false_positives - pair[0].false_positives) * (pair[0].true_positives + pair[1].true_positives) / 2.0
        };
        let area: f64 = roc.points.windows(2).map(trapezium).sum();
        prop_assert!((roc.auc.value - area).abs() < 1e-12);
        let rises = |pair: &[pappus_domain::stats::RocPoint]| {
            pair[0].false_positives <= pair[1].false_positives && pair[0].true_positives <= pair[1].true_positives
        };
        prop_assert!(roc.points.windows(2).all(rises));
        let ends = [roc.points[0], roc.points[roc.points.len() - 1]].map(|p| (p.false_positives, p.true_positives));
        prop_assert_eq!(ends, [(0.0, 0.0), (1.0, 1.0)]);
    }

    #[test]
    fn the_order_of_the_images_does_not_matter(scores in scores()) {
        let back: Vec<(bool, f32)> = scores.iter().rev().copied().collect();
        prop_assert_eq!(Roc::of(1, &scored(&scores)), Roc::of(1, &scored(&back)));
    }
}
