//! What failures mean to those who caused them.
#![allow(clippy::unwrap_used)] // a test may panic

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use pappus_host::{Dispose as _, Disposition, Failure};
use serde_json::{Value, json};

#[test]
fn each_disposition_has_its_status_and_whether_to_repeat() {
    for (disposition, status, again) in [
        (Disposition::Refused, 400, false),
        (Disposition::TooLarge, 413, false),
        (Disposition::WrongType, 415, false),
        (Disposition::Absent, 404, false),
        (Disposition::Conflict, 409, true),
        (Disposition::Overloaded, 429, true),
        (Disposition::Unavailable, 503, true),
        (Disposition::Fault, 500, true),
    ] {
        assert_eq!(disposition.status().as_u16(), status, "{disposition:?}");
        assert_eq!(disposition.is_worth_repeating(), again, "{disposition:?}");
    }
}

#[test]
fn errors_of_the_stores_mean_what_a_caller_can_do() {
    use pappus_catalog::Error as Catalog;
    use pappus_objects::Error as Objects;
    let key = || "a/b".parse().unwrap();
    let objects = [
        (Objects::NotFound { key: key() }, Disposition::Absent),
        (Objects::AlreadyExists { key: key() }, Disposition::Conflict),
        (Objects::TooLarge { key: key(), size: 2, limit: 1 }, Disposition::TooLarge),
        (Objects::Unavailable { at: "it".into(), source: "away".into() }, Disposition::Unavailable),
        (Objects::Busy { at: "it".into(), source: "busy".into() }, Disposition::Overloaded),
        (Objects::NoBucket { at: "it".into(), source: "gone".into() }, Disposition::Unavailable),
    ];
    for (error, disposition) in objects {
        assert_eq!(error.disposition(), disposition, "{error}");
    }
    let moved = Catalog::ReleaseMoved { expected: None, found: None };
    assert_eq!(moved.disposition(), Disposition::Conflict);
    assert_eq!(Catalog::Busy("locked".into()).disposition(), Disposition::Unavailable);
}

#[tokio::test]
async fn a_failure_answers_with_its_whole_chain_of_causes() {
    let source = Box::new(std::io::Error::other("disk on fire"));
    let failure = Failure::from(pappus_objects::Error::Unavailable { at: "object `a`".into(), source });
    assert_eq!(failure.to_string(), "object `a` cannot be reached: disk on fire");
    let response = failure.into_response();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json, json!({ "detail": "object `a` cannot be reached: disk on fire" }));
}

#[test]
fn a_failure_of_one_sentence_is_that_sentence() {
    let failure = Failure::new(Disposition::Refused, "so it cannot be");
    assert_eq!((failure.to_string().as_str(), failure.disposition()), ("so it cannot be", Disposition::Refused));
    assert_eq!(Failure::from_error(std::fmt::Error).disposition(), Disposition::Fault);
}
