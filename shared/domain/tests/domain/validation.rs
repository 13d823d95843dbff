//! What cross-validation chooses.

use pappus_domain::validation::{ValidationCurve, ValidationPoint};

#[test]
fn the_lowest_loss_is_chosen_not_the_highest_accuracy() {
    let point = |lambda, accuracy, log_loss| ValidationPoint {
        lambda,
        accuracy,
        accuracy_deviation: 0.01,
        log_loss,
        log_loss_deviation: 0.02,
    };
    let curve = |points| ValidationCurve { candidate: "scratch".into(), points };
    let found = curve(vec![point(0.001, 0.9, 0.4), point(0.01, 0.85, 0.3), point(0.1, 0.8, 0.3)]);
    assert_eq!(found.best().map(|point| point.lambda), Some(0.01));
    assert_eq!(curve(Vec::new()).best(), None);
    assert!(curve(vec![point(0.1, 0.5, f64::NAN)]).best().is_some(), "a number that is none does not panic");
}
