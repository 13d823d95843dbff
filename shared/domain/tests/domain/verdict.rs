//! The verdict: each gate passes and fails for its own reason, and says by which figures.

use pappus_domain::Verdict;
use pappus_domain::stats::{McNemar, Report};
use pappus_domain::verdict::{Comparison, Gate, GatePolicy};
use proptest::prelude::*;

use crate::material::{answers, classes};

/// A report of a confusion matrix, every answer given with the probability 0.9 within 4 ms.
fn report<const K: usize>(confusion: [[usize; K]; K]) -> Report {
    sure_report(confusion, 0.9)
}

fn sure_report<const K: usize>(confusion: [[usize; K]; K], sure: f32) -> Report {
    Report::new(&classes(K as u8), &answers(confusion, sure)).unwrap().with_latency(&[4000])
}

fn gate(name: &str, candidate: &Report, champion: Option<Comparison<'_>>) -> Gate {
    let verdict = Verdict::judge(&GatePolicy::default(), candidate, champion);
    assert_eq!(verdict.passed, verdict.gates.iter().all(|gate| gate.passed));
    verdict.gates.into_iter().find(|gate| gate.name == name).unwrap()
}

/// The gate alone decides, with these figures.
fn assert_gate(name: &str, candidate: &Report, passed: bool, figures: &str) {
    let gate = gate(name, candidate, None);
    assert_eq!((gate.passed, gate.figures.as_str()), (passed, figures));
}

#[test]
fn a_good_candidate_passes_every_gate() {
    let verdict = Verdict::judge(&GatePolicy::default(), &report([[38, 2], [1, 39]]), None);
    let names: Vec<_> = verdict.gates.iter().map(|gate| gate.name.as_str()).collect();
    let wanted = [
        "enough-test-images",
        "better-than-guessing",
        "every-class-recognised",
        "not-worse-than-champion",
        "calibrated",
        "quick-enough",
    ];
    assert_eq!(names, wanted);
    assert!(verdict.passed, "{verdict:?}");
}

#[test]
fn test_images_must_be_enough() {
    let name = "enough-test-images";
    let wanted = "at least 20 are wanted, and one of every class";
    let figures = |rest: &str| format!("{rest}; {wanted}");
    assert_gate(name, &report([[10, 0], [0, 10]]), true, &figures("20 test images of 2 classes, 10 of `a`"));
    assert_gate(name, &report([[10, 0], [0, 9]]), false, &figures("19 test images of 2 classes, 9 of `b`"));
    assert_gate(name, &report([[30, 0], [0, 0]]), false, &figures("30 test images of 2 classes, 0 of `b`"));
}

#[test]
fn accuracy_must_be_better_than_the_biggest_class() {
    let name = "better-than-guessing";
    let good = "96.2 % (89.5 % to 98.7 %) of 80 right; always answering with `b` would get 50.0 %";
    assert_gate(name, &report([[38, 2], [1, 39]]), true, good);
    // 90 % right is no feat where 85 % are of one class.
    let lazy = "90.0 % (81.5 % to 94.8 %) of 80 right; always answering with `a` would get 85.0 %";
    assert_gate(name, &report([[68, 0], [8, 4]]), false, lazy);
}

#[test]
fn no_class_may_be_lost() {
    let name = "every-class-recognised";
    let good = "least recognised: `a` 95.0 % (83.5 % to 98.6 %) of 40; chance is 50.0 %";
    assert_gate(name, &report([[38, 2], [1, 39]]), true, good);
    let lost = "not recognised: `b` 20.0 % (9.5 % to 37.3 %) of 30; chance is 50.0 %";
    assert_gate(name, &report([[90, 0], [24, 6]]), false, lost);
    let never = "not recognised: `b` 0.0 % (0.0 % to 79.3 %) of 1; chance is 50.0 %";
    assert_gate(name, &report([[40, 0], [1, 0]]), false, never);
}

#[test]
fn a_sentence_names_no_more_than_five_classes() {
    let mut confusion = [[0; 8]; 8];
    confusion.iter_mut().for_each(|row| row[0] = 9);
    let figures = gate("every-class-recognised", &report(confusion), None).figures;
    assert!(figures.contains("`f`") && !figures.contains("`g`") && figures.contains(", and 2 more"), "{figures}");
}

#[test]
fn a_candidate_must_not_be_worse_than_the_champion() {
    let (candidate, champion) = (report([[36, 4], [2, 38]]), report([[39, 1], [1, 39]]));
    let against = |champion_only, candidate_only| {
        let mcnemar = McNemar::new(champion_only, candidate_only);
        gate("not-worse-than-champion", &candidate, Some(Comparison { champion: &champion, mcnemar }))
    };
    let close = against(5, 1);
    let figures = "92.5 % (84.6 % to 96.5 %) of 80 right, the champion 97.5 %; the candidate alone is right on 1, the \
                   champion alone on 5; were they equally good, this or worse would have p = 0.1094 (worse below 0.05)";
    assert_eq!((close.passed, close.figures.as_str()), (true, figures));
    assert!(!against(8, 1).passed);
    assert!(against(1, 8).passed, "a better candidate is not worse");
    let alone = "there is no other champion to compare with";
    assert_gate("not-worse-than-champion", &candidate, true, alone);
}

#[test]
fn probabilities_must_be_believable() {
    let name = "calibrated";
    let wanted = "at most 25.0 % is wanted";
    let figures = |rest: &str| format!("stated and true certainty differ by {rest} on average; {wanted}");
    assert_gate(name, &sure_report([[36, 4], [4, 36]], 0.9), true, &figures("0.0 %"));
    assert_gate(name, &sure_report([[36, 4], [4, 36]], 0.6), false, &figures("30.0 %"));
}

#[test]
fn latency_must_be_low_and_known() {
    let name = "quick-enough";
    let good = report([[38, 2], [1, 39]]);
    let wanted = "a median of at most 100 ms is wanted";
    assert_gate(name, &good, true, &format!("median 4.0 ms, 95th percentile 4.0 ms; {wanted}"));
    let edge = good.clone().with_latency(&[100_000, 100_000, 350_000]);
    assert_gate(name, &edge, true, &format!("median 100.0 ms, 95th percentile 350.0 ms; {wanted}"));
    let slow = good.clone().with_latency(&[100_001]);
    assert_gate(name, &slow, false, &format!("median 100.0 ms, 95th percentile 100.0 ms; {wanted}"));
    let unknown = good.with_latency(&[]);
    assert_gate(name, &unknown, false, "the latency was not measured; at most 100 ms is wanted");
}

#[test]
fn a_policy_names_only_what_it_changes() {
    let policy: GatePolicy = serde_json::from_str(r#"{ "max_latency_ms": 5 }"#).unwrap();
    assert_eq!(policy, GatePolicy { max_latency_ms: 5.0, ..GatePolicy::default() });
    assert!(serde_json::from_str::<GatePolicy>(r#"{ "max_latency": 5 }"#).is_err(), "a slip of the pen is no default");
}

#[test]
fn a_bound_that_is_no_number_passes_nobody() {
    let no_number = f64::NAN;
    let policy = GatePolicy {
        worse_than_champion_p: no_number,
        max_calibration_error: no_number,
        max_latency_ms: no_number,
        ..GatePolicy::default()
    };
    let good = report([[38, 2], [1, 39]]);
    let comparison = Comparison { champion: &good, mcnemar: McNemar::new(0, 0) };
    let verdict = Verdict::judge(&policy, &good, Some(comparison));
    assert_eq!(
        verdict.gates.iter().map(|gate| gate.passed).collect::<Vec<_>>(),
        [true, true, true, false, false, false]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_verdict_is_all_gates_and_read_back(confusion in any::<[[u8; 3]; 3]>(), latency in 0_u64..200_000) {
        let confusion = confusion.map(|row| row.map(|cell| usize::from(cell % 16)));
        prop_assume!(confusion.as_flattened().iter().sum::<usize>() > 0);
        let candidate = report(confusion).with_latency(&[latency]);
        let verdict = Verdict::judge(&GatePolicy::default(), &candidate, None);
        prop_assert_eq!(verdict.passed, verdict.gates.iter().all(|gate| gate.passed));
        prop_assert!(verdict.gates.iter().all(|gate| !gate.figures.is_empty() && !gate.figures.contains("NaN")));
        prop_assert_eq!(serde_json::from_str::<Verdict>(&serde_json::to_string(&verdict).unwrap()).unwrap(), verdict);
    }
}
