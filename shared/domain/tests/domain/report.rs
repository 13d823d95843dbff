//! Reports: a small one checked by other software, and what holds of all.

use pappus_domain::stats::{Answer, Interval, Latency, Report, StatsError};
use proptest::prelude::*;
use serde_json::Value;

use crate::material::{answers, classes};

fn report(classes: u8, answers: &[Answer]) -> Report {
    Report::new(&self::classes(classes), answers).unwrap()
}

fn assert_close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-7, "{found} instead of {wanted}");
}

/// Eight answers about three classes.
fn example() -> Vec<Answer> {
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
    given.map(|(truth, probabilities)| Answer { truth, probabilities: probabilities.into() }).into()
}

/// Reference: scikit-learn 1.9.1 (`precision_recall_fscore_support`, `confusion_matrix`) and NumPy for the rest.
#[test]
fn a_small_report_agrees_with_scikit_learn() {
    let report = report(3, &example());
    assert_eq!((report.images, report.accuracy.value), (8, 0.625));
    assert_eq!(report.confusion, [[2, 1, 0], [1, 2, 0], [1, 0, 1]]);
    let wanted = [(0.5, 2.0 / 3.0, 4.0 / 7.0, 3), (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 3), (1.0, 0.5, 2.0 / 3.0, 2)];
    for (class, (precision, recall, f1, support)) in report.classes.iter().zip(wanted) {
        assert_close(class.precision.value, precision);
        assert_close(class.recall.value, recall);
        assert_close(class.f1, f1);
        assert_eq!((class.support, class.recall.of), (support, support));
    }
    assert_close(report.macro_precision.value, 0.722_222_222);
    assert_close(report.macro_recall.value, 0.611_111_111);
    assert_close(report.macro_f1.value, 0.634_920_634_9);
    assert_close(report.log_loss, 0.715_526_704_3);
    assert_close(report.brier, 0.422_499_992_5);
    assert_close(report.calibration.error, 0.299_999_993_3);
    let bins: Vec<_> = report.calibration.bins.iter().map(|bin| (bin.accuracy.of, bin.accuracy.value)).collect();
    assert_eq!(bins, [(1, 0.0), (1, 0.0), (2, 1.0), (2, 0.5), (1, 1.0), (1, 1.0)]);
    assert_close(report.calibration.bins[3].confidence, 0.7);
    assert_close(report.calibration.bins[0].above, 6.0 / 15.0);
    assert_close(report.calibration.bins[0].up_to, 7.0 / 15.0);
}

/// Reference: NumPy 2, 20000 resamples of the same confusion matrix with another generator. The ends of an interval
/// from 2000 resamples vary by about 0.003.
#[test]
fn the_bootstrap_agrees_with_another_one() {
    let report = report(2, &answers([[50, 10], [20, 40]], 0.9));
    let near = |found: Interval, value: f64, low: f64, high: f64| {
        let ends = (found.low - low).abs().max((found.high - high).abs());
        assert!((found.value - value).abs() < 1e-12 && ends < 0.01, "{found:?}");
    };
    near(report.accuracy_bootstrap, 0.75, 0.6667, 0.825);
    near(report.macro_precision, 0.757_142_857_142_857_1, 0.6778, 0.8321);
    near(report.macro_recall, 0.75, 0.6719, 0.8248);
    near(report.macro_f1, 0.748_251_748_251_748_3, 0.6663, 0.8240);
}

/// What cannot be computed is 0, and a class without images is in no average.
#[test]
fn divisions_by_zero_have_conventions() {
    // The class `b` is never answered, `c` has no images but is answered once, `d` is nowhere.
    let report = report(4, &answers([[3, 0, 1, 0], [2, 0, 0, 0], [0; 4], [0; 4]], 0.7));
    let [a, b, c, d] = &report.classes[..] else { panic!("four classes were given") };
    assert_eq!((a.precision.value, a.recall.value), (0.6, 0.75));
    assert_eq!((b.precision.value, b.precision.of, b.recall.value, b.f1), (0.0, 0, 0.0, 0.0));
    assert_eq!((c.precision.value, c.precision.of, c.recall.of, c.f1), (0.0, 1, 0, 0.0));
    assert_eq!((d.precision.of, d.recall.of, d.f1, d.support), (0, 0, 0.0, 0));
    assert_close(report.macro_recall.value, 0.75 / 2.0);
    assert_close(report.macro_precision.value, 0.6 / 2.0);
    assert_close(report.macro_f1.value, (6.0 / 9.0) / 2.0);
}

/// Reference: `scipy.stats.binomtest(right, either).proportion_ci(method="wilson")`, each end as `2·share / (1 + share)`.
#[test]
fn f1_has_wilsons_interval() {
    for (confusion, value, low, high) in [
        ([[38, 2], [1, 9]], 0.962_025_316_455_696_2, 0.892_411_950_872_958_9, 0.987_240_326_638_896_5),
        ([[0, 4], [3, 9]], 0.0, 0.0, 0.523_255_515_629_374_7),
        ([[10, 0], [0, 9]], 1.0, 0.838_874_841_947_180_6, 1.0),
        ([[2, 1], [2, 9]], 4.0 / 7.0, 0.210_484_230_330_105_85, 0.869_593_936_753_728_4),
    ] {
        let found = report(2, &answers(confusion, 0.9)).classes[0].f1_interval();
        assert_close(found.value, value);
        assert_close(found.low, low);
        assert_close(found.high, high);
    }
    let nowhere = report(3, &answers([[3, 1, 0], [0, 2, 0], [0; 3]], 0.9)).classes[2].f1_interval();
    assert_eq!(nowhere, Interval { value: 0.0, low: 0.0, high: 1.0 }, "nothing is known of it");
}

#[test]
fn one_sure_mistake_costs_much_but_not_everything() {
    let report = report(2, &answers([[1, 1], [0, 0]], 1.0));
    assert_close(report.log_loss, f64::from(f32::EPSILON).ln().abs() / 2.0);
    assert_close(report.brier, 1.0);
    assert_eq!(report.calibration.bins.len(), 1);
    assert_close(report.calibration.error, 0.5);
}

#[test]
fn the_first_of_equally_probable_classes_is_answered() {
    let answer = Answer { truth: 1, probabilities: vec![0.2, 0.4, 0.4] };
    assert_eq!((answer.class(), answer.is_right()), (1, true));
}

#[test]
fn latency_is_what_was_measured() {
    let report = report(2, &answers([[1, 0], [0, 1]], 0.9));
    assert_eq!(report.latency, None);
    let of = |times: &[u64]| report.clone().with_latency(times).latency;
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[7]), Some(Latency { median_us: 7, p95_us: 7, answers: 1 }));
    assert_eq!(of(&[9, 1, 5, 3]), Some(Latency { median_us: 3, p95_us: 9, answers: 4 }));
    let hundred: Vec<u64> = (1..=100).rev().collect();
    assert_eq!(of(&hundred), Some(Latency { median_us: 50, p95_us: 95, answers: 100 }));
}

#[test]
fn malformed_answers_are_refused() {
    let second = |truth, probabilities: &[f32]| {
        let good = Answer { truth: 0, probabilities: vec![1.0, 0.0] };
        let answers = [good, Answer { truth, probabilities: probabilities.into() }];
        Report::new(&classes(2), &answers).unwrap_err()
    };
    assert_eq!(Report::new(&classes(2), &[]), Err(StatsError::NoAnswers));
    assert_eq!(second(2, &[0.5, 0.5]), StatsError::UnknownTruth { answer: 2, truth: 2, classes: 2 });
    assert_eq!(second(0, &[1.0]), StatsError::WrongLength { answer: 2, found: 1, wanted: 2 });
    assert_eq!(second(0, &[-0.5, 1.5]), StatsError::NotAProbability { answer: 2, value: -0.5 });
    assert_eq!(second(0, &[0.5, f32::INFINITY]), StatsError::NotAProbability { answer: 2, value: f32::INFINITY });
    assert!(matches!(second(0, &[f32::NAN, 0.5]), StatsError::NotAProbability { answer: 2, .. }));
    assert_eq!(second(0, &[0.5, 0.25]), StatsError::NotADistribution { answer: 2, sum: 0.75 });
    let many = vec![classes(1)[0].clone(); Report::MAX_CLASSES + 1];
    let answer = Answer { truth: 0, probabilities: vec![0.0; many.len()] };
    assert_eq!(Report::new(&many, &[answer]), Err(StatsError::TooManyClasses { classes: 1025 }));
}

/// Some answers about two to five classes, sure and unsure ones.
fn any_answers() -> impl Strategy<Value = (u8, Vec<Answer>)> {
    (2_u8..6).prop_flat_map(|count| {
        let weights = prop::collection::vec(prop_oneof![0.01..1.0_f32, Just(0.0), Just(1e6)], usize::from(count));
        let answer = (0..usize::from(count), weights).prop_map(|(truth, mut weights)| {
            weights[0] += 1e-3;
            let sum: f32 = weights.iter().sum();
            Answer { truth, probabilities: weights.iter().map(|weight| weight / sum).collect() }
        });
        (Just(count), prop::collection::vec(answer, 1..30))
    })
}

/// Whether every number in a JSON value is one; `serde_json` writes NaN and infinities as `null`.
fn has_no_null(json: &Value) -> bool {
    match json {
        Value::Null => false,
        Value::Array(items) => items.iter().all(has_no_null),
        Value::Object(fields) => fields.values().all(has_no_null),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn figures_agree_with_each_other((count, answers) in any_answers()) {
        let report = report(count, &answers);
        let sum = |row: &Vec<u64>| row.iter().sum::<u64>();
        prop_assert_eq!(report.images, answers.len() as u64);
        prop_assert_eq!(report.confusion.iter().map(sum).sum::<u64>(), report.images);
        for (index, class) in report.classes.iter().enumerate() {
            let answered: u64 = report.confusion.iter().map(|row| row[index]).sum();
            prop_assert_eq!((class.support, class.precision.of), (sum(&report.confusion[index]), answered));
            let Interval { value, low, high } = class.f1_interval();
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
            prop_assert_eq!(value, class.f1);
        }
        let right: u64 = (0..usize::from(count)).map(|class| report.confusion[class][class]).sum();
        prop_assert_eq!(report.accuracy.value, right as f64 / report.images as f64);
        prop_assert_eq!(report.accuracy.value, report.accuracy_bootstrap.value);
        prop_assert!((report.accuracy.low..=report.accuracy.high).contains(&report.accuracy.value));
        prop_assert_eq!(report.calibration.bins.iter().map(|bin| bin.accuracy.of).sum::<u64>(), report.images);
    }

    #[test]
    fn figures_keep_their_bounds((count, answers) in any_answers()) {
        let report = report(count, &answers);
        let Report { accuracy_bootstrap, macro_precision, macro_recall, macro_f1, .. } = report;
        for Interval { value, low, high } in [accuracy_bootstrap, macro_precision, macro_recall, macro_f1] {
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
        }
        prop_assert!((0.0..=1.0).contains(&report.calibration.error));
        for bin in &report.calibration.bins {
            prop_assert!(bin.above - 1e-9 <= bin.confidence && bin.confidence <= bin.up_to + 1e-9);
        }
        prop_assert!((0.0..15.95).contains(&report.log_loss) && (0.0..=2.0 + 1e-6).contains(&report.brier));
    }

    #[test]
    fn a_report_is_read_back_and_comes_out_the_same_again((count, answers) in any_answers()) {
        let report = report(count, &answers).with_latency(&[3, 1, 2]);
        let json = serde_json::to_value(&report).unwrap();
        prop_assert!(has_no_null(&json));
        prop_assert_eq!(&serde_json::from_str::<Report>(&json.to_string()).unwrap(), &report);
        prop_assert_eq!(self::report(count, &answers).with_latency(&[1, 2, 3]), report);
    }

    #[test]
    fn no_numbers_make_it_panic(truth in 0_usize..4, probabilities in prop::collection::vec(any::<f32>(), 0..4)) {
        // What is not refused is a distribution over the three classes.
        let answer = Answer { truth, probabilities };
        if let Ok(report) = Report::new(&classes(3), std::slice::from_ref(&answer)) {
            prop_assert!(truth < 3 && (answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 0.01);
            prop_assert_eq!(report.images, 1);
        }
    }
}
