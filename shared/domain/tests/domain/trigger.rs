//! Whether to train now.

use jiff::{SignedDuration, Timestamp};
use pappus_domain::stats::Proportion;
use pappus_domain::trigger::{Cause, Facts, Hindrance, MeanConfidence, Policy, Reason, Schedule};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn facts(labelled_images: u64, used_images: Option<u64>) -> Facts {
    Facts {
        at: NOW,
        labelled_images,
        used_images,
        live_accuracy: None,
        confidence: None,
        drift: None,
        last_request: None,
        requests_last_day: 0,
        has_champion: used_images.is_some(),
    }
}

fn before(hours: i64) -> Option<Timestamp> {
    Some(NOW - SignedDuration::from_hours(hours))
}

proptest! {
    #[test]
    fn new_images_decide_and_are_named(new in 0_u64..200, used in proptest::option::of(1_u64..100), wanted in 1_u64..200) {
        let labelled = used.unwrap_or(0) + new;
        let decision = Policy { new_images: wanted, ..Policy::default() }.decide(&facts(labelled, used), &Cause::Change);
        prop_assert_eq!(decision.train(), new >= wanted);
        for figure in [new, labelled, wanted] {
            prop_assert!(decision.summary.contains(&figure.to_string()), "{}", decision.summary);
        }
        prop_assert_eq!(decision.summary.contains("no model yet"), used.is_none());
    }

    #[test]
    fn an_interval_that_reaches_the_bound_is_no_reason(right in 0_u64..=60, of in 0_u64..=60) {
        let accuracy = Proportion::new(right.min(of), of);
        let facts = Facts { live_accuracy: Some(accuracy), ..facts(20, Some(10)) };
        let decision = Policy::default().decide(&facts, &Cause::Change);
        prop_assert_eq!(decision.train(), of >= 30 && accuracy.high < 0.85, "{}", decision);
    }
}

#[test]
fn fifty_new_images_are_enough_by_default() {
    let decide = |labelled| Policy::default().decide(&facts(labelled, None), &Cause::Change);
    assert_eq!(decide(50).reasons, [Reason::NewImages { count: 50, wanted: 50 }]);
    assert!(!decide(49).train());
    assert_eq!(
        decide(49).to_string(),
        "no reason to train: 49 new labelled images and no model yet (of 49; the policy wants 50)"
    );
}

#[test]
fn a_share_of_what_was_used_is_enough_too() {
    let policy = Policy { new_share: 0.1, ..Policy::default() };
    let decide = |new: u64| policy.decide(&facts(101 + new, Some(101)), &Cause::Change);
    assert!(!decide(10).train());
    assert_eq!(decide(11).reasons, [Reason::NewImages { count: 11, wanted: 11 }]);
    // Whichever is less, and never none.
    assert!(policy.decide(&facts(10_050, Some(10_000)), &Cause::Change).train());
    assert!(!policy.decide(&facts(1, Some(1)), &Cause::Change).train());
}

#[test]
fn a_model_that_has_become_unsure_is_a_reason_once_enough_has_been_asked() {
    let decide = |mean, of| {
        let confidence = Some(MeanConfidence { mean, of });
        Policy::default().decide(&Facts { confidence, ..facts(20, Some(10)) }, &Cause::Change)
    };
    assert_eq!(decide(0.8, 200).reasons, [Reason::Confidence { mean: 0.8, of: 200, wanted: 0.85 }]);
    assert!(!decide(0.8, 199).train());
    assert!(!decide(0.85, 200).train());
    assert_eq!(decide(0.8, 200).to_string(), "mean confidence 0.800 over 200 answers, and 0.85 is wanted");
}

#[test]
fn drift_may_be_unknown() {
    let decide = |drift| Policy::default().decide(&Facts { drift, ..facts(10, Some(10)) }, &Cause::Change);
    assert!(!decide(None).train() && !decide(Some(0.25)).train());
    assert_eq!(decide(Some(0.3)).reasons, [Reason::Drift { score: 0.3, allowed: 0.25 }]);
}

#[test]
fn a_schedule_is_a_reason_when_it_comes_round_and_there_is_anything_new() {
    let policy = Policy { schedule: Some(Schedule::Daily), ..Policy::default() };
    let decide = |labelled, last, cause| {
        policy.decide(&Facts { last_request: last, ..facts(labelled, Some(100)) }, &cause).reasons
    };
    let due = [Reason::Schedule { every: Schedule::Daily }];
    assert_eq!(decide(101, before(24), Cause::Schedule), due);
    assert_eq!(decide(101, None, Cause::Schedule), due);
    assert_eq!(decide(101, before(23), Cause::Schedule), []);
    assert_eq!(decide(100, before(24), Cause::Schedule), []);
    assert_eq!(decide(101, before(24), Cause::Change), []);
    let weekly = Policy { schedule: Some(Schedule::Weekly), ..Policy::default() };
    assert!(!weekly.decide(&Facts { last_request: before(167), ..facts(101, Some(100)) }, &Cause::Schedule).train());
}

#[test]
fn an_alert_is_a_reason_unless_the_policy_says_otherwise() {
    let cause = Cause::Alert { name: "ModelDrift".into() };
    let decide = |policy: Policy| policy.decide(&facts(20, Some(10)), &cause);
    assert_eq!(decide(Policy::default()).to_string(), "alert ModelDrift");
    assert!(!decide(Policy { alerts: false, ..Policy::default() }).train());
}

#[test]
fn a_released_model_gives_time_to_cool_down() {
    let policy = Policy { cool_down_minutes: 90, ..Policy::default() };
    let late = Facts { last_request: before(1), ..facts(200, Some(100)) };
    let decision = policy.decide(&late, &Cause::Change);
    assert!(!decision.train() && !decision.reasons.is_empty());
    let until = NOW + SignedDuration::from_mins(30);
    assert_eq!(decision.hindrance, Some(Hindrance::CoolDown { until }));
    assert!(
        decision
            .to_string()
            .ends_with("but the last training was asked for too lately: not before 1970-01-01T00:30:00Z")
    );
    assert!(policy.decide(&Facts { last_request: before(2), ..late.clone() }, &Cause::Change).train());
    assert!(policy.decide(&Facts { has_champion: false, ..late }, &Cause::Change).train());
}

#[test]
fn a_cool_down_may_last_for_ever() {
    let policy = Policy { cool_down_minutes: u32::MAX, ..Policy::default() };
    let decision = policy.decide(&Facts { last_request: Some(NOW), ..facts(200, Some(100)) }, &Cause::Change);
    assert_eq!(decision.hindrance, Some(Hindrance::CoolDown { until: Timestamp::MAX }));
}

#[test]
fn a_day_has_so_many_trainings_and_no_more() {
    let policy = Policy { daily_maximum: 3, ..Policy::default() };
    let decide = |requests_last_day| policy.decide(&Facts { requests_last_day, ..facts(200, None) }, &Cause::Change);
    assert!(decide(2).train());
    assert_eq!(decide(3).hindrance, Some(Hindrance::DailyMaximum { most: 3 }));
}

#[test]
fn bounds_that_cannot_be_meant_are_named() {
    Policy::default().check().unwrap();
    for (policy, key) in [
        (Policy { new_share: 1.0, ..Policy::default() }, "`new_share` is 1"),
        (Policy { live_accuracy: -0.1, ..Policy::default() }, "`live_accuracy` is -0.1"),
        (Policy { confidence: f64::NAN, ..Policy::default() }, "`confidence` is NaN"),
        (Policy { drift: f64::INFINITY, ..Policy::default() }, "`drift` is inf"),
        (Policy { new_images: 0, ..Policy::default() }, "`new_images` is 0"),
        (Policy { window_hours: 0, ..Policy::default() }, "`window_hours` is 0"),
        (Policy { daily_maximum: 0, ..Policy::default() }, "`daily_maximum` is 0"),
        (Policy { least_new_images: 0, ..Policy::default() }, "`least_new_images` is 0"),
        (Policy { live_accuracy_answers: 1001, ..Policy::default() }, "`live_accuracy_answers` is 1001"),
        (Policy { window_hours: u32::MAX, ..Policy::default() }, "`window_hours` is 4294967295"),
    ] {
        let said = policy.check().unwrap_err().to_string();
        assert!(said.starts_with(key), "{said}");
    }
}

#[test]
fn what_was_learned_from_is_not_learned_from_again() {
    let wrong = Facts { live_accuracy: Some(Proportion::new(1, 100)), ..facts(80, Some(80)) };
    let alert = Cause::Alert { name: "slow".into() };
    for cause in [&Cause::Change, &Cause::Feedback, &alert] {
        let decision = Policy::default().decide(&wrong, cause);
        assert_eq!(
            (decision.reasons.is_empty(), decision.hindrance),
            (false, Some(Hindrance::FewNewImages { count: 0, wanted: 10 })),
            "{cause:?}"
        );
    }
    let more = |labelled_images| Facts { labelled_images, ..wrong.clone() };
    let decision = Policy::default().decide(&more(89), &Cause::Change);
    assert_eq!(decision.hindrance, Some(Hindrance::FewNewImages { count: 9, wanted: 10 }));
    assert!(Policy::default().decide(&more(90), &Cause::Change).train());
    let eager = Policy { new_images: 3, ..Policy::default() };
    assert!(eager.decide(&more(83), &alert).train(), "what is reason enough by itself is enough for others");
    let decision = Policy::default().decide(&Facts { labelled_images: 0, used_images: None, ..wrong.clone() }, &alert);
    assert_eq!(decision.hindrance, Some(Hindrance::FewNewImages { count: 0, wanted: 10 }), "without any image");
    let by_hand = Cause::Operator { reason: "another seed".into() };
    assert!(Policy::default().decide(&wrong, &by_hand).train(), "whoever asks by hand knows why");
}
