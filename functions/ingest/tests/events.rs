//! Objects that are put into the store.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::sync::Arc;

use common::bucket::InBucket;
use common::{Place, picture, place};
use pappus_catalog::contract::samples;
use pappus_domain::Feedback;
use pappus_domain::event::{FeedbackGiven, ImagesIngested, ObjectCreated};
use pappus_domain::{Event, Timestamp};
use pappus_host::{Disposition, Failure};
use pappus_objects::PutMode;
use serde_json::json;

async fn put(place: &Place, key: &str, bytes: Vec<u8>) {
    place.context.objects.put(&key.parse().unwrap(), bytes.into(), PutMode::Overwrite).await.unwrap();
}

fn created(key: &str) -> Event {
    created_in(None, key)
}

fn created_in(bucket: Option<&str>, key: &str) -> Event {
    let created = ObjectCreated { bucket: bucket.map(str::to_owned), key: key.into(), version: None };
    Event::new("storage", &created, Timestamp::now()).unwrap()
}

async fn deliver(place: &Place, event: Event) -> Result<Vec<Event>, Failure> {
    pappus_ingest::app(place.context.clone()).on_event.on_event(event).await.map(|outcome| outcome.events)
}

#[tokio::test]
async fn an_object_under_incoming_is_taken_in_under_the_label_of_its_folder() {
    let place = place().await;
    put(&place, "incoming/cat/phone/1.jpg", picture(1)).await;
    let events = deliver(&place, created("incoming/cat/phone/1.jpg")).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let ingested: ImagesIngested = event.read().unwrap().unwrap();
    assert_eq!((ingested.stored, event.source.as_str()), (1, "/pappus/ingest"));
    assert_eq!(place.label(&picture(1)).await, "cat");
    assert_eq!(place.image(&picture(1)).await.unwrap().origin, "incoming/cat/phone/1.jpg");
}

#[tokio::test]
async fn an_image_whose_truth_was_told_becomes_a_labelled_one_where_it_was_kept() {
    let place = place().await;
    let feedback = Feedback { image: pappus_domain::Digest::of(&picture(1)), ..samples::feedback(1, "cat", 0) };
    let key = Feedback::kept_image(&feedback.image, feedback.predicted_at);
    let given = |feedback: &Feedback, bytes: Option<&str>| {
        let given = FeedbackGiven { feedback: feedback.clone(), bytes: bytes.map(str::to_owned) };
        Event::new("predict", &given, Timestamp::now()).unwrap()
    };
    assert!(deliver(&place, given(&feedback, Some(&key))).await.unwrap().is_empty(), "nobody has written it down");
    place.context.catalog.record_feedback(&feedback).await.unwrap();
    assert!(deliver(&place, given(&feedback, None)).await.unwrap().is_empty());
    assert!(deliver(&place, given(&feedback, Some(&key))).await.unwrap().is_empty(), "it is gone");
    put(&place, "incoming/cat/1.jpg", picture(1)).await;
    let elsewhere = deliver(&place, given(&feedback, Some("incoming/cat/1.jpg"))).await.unwrap_err();
    assert_eq!(elsewhere.disposition(), Disposition::Refused);
    put(&place, &key, picture(2)).await;
    let other = deliver(&place, given(&feedback, Some(&key))).await.unwrap_err();
    assert_eq!(other.disposition(), Disposition::Refused, "it is another image");
    assert_eq!(place.images().await.len(), 0);
    put(&place, &key, picture(1)).await;
    for _ in 0..2 {
        let events = deliver(&place, given(&feedback, Some(&key))).await.unwrap();
        assert_eq!(events[0].read::<ImagesIngested>().unwrap().unwrap().stored, 1);
    }
    let image = place.image(&picture(1)).await.unwrap();
    assert_eq!((image.label.unwrap().as_str(), image.origin), ("cat", format!("feedback:{}", feedback.prediction)));

    // A correction, whose event comes before that of the first word.
    let corrected = Feedback { label: samples::name("dog"), at: samples::time(60), ..feedback.clone() };
    place.context.catalog.record_feedback(&corrected).await.unwrap();
    for told in [&corrected, &feedback] {
        deliver(&place, given(told, Some(&key))).await.unwrap();
        assert_eq!(place.label(&picture(1)).await, "dog");
    }
}

#[tokio::test]
async fn the_same_event_again_changes_nothing_and_says_the_same() {
    let place = place().await;
    put(&place, "incoming/cat/1.jpg", picture(1)).await;
    let first = deliver(&place, created("incoming/cat/1.jpg")).await.unwrap();
    let second = deliver(&place, created("incoming/cat/1.jpg")).await.unwrap();
    let said = |events: &[Event]| events.iter().map(|event| (event.id.clone(), event.data.clone())).collect::<Vec<_>>();
    assert_eq!(said(&first).len(), 1);
    assert_eq!(said(&first), said(&second));
    assert_eq!((place.images().await.len(), place.objects().await), (1, 1));
}

#[tokio::test]
async fn a_delivery_that_died_before_it_could_say_so_is_made_good_by_the_next() {
    let place = place().await;
    put(&place, "incoming/cat/1.jpg", picture(1)).await;
    // All that is left of it: the image is recorded, and nobody was told.
    place.file("in/cat/1.jpg", &picture(1));
    assert_eq!(place.take("in").await.unwrap().stored, 1);
    let events = deliver(&place, created("incoming/cat/1.jpg")).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.read::<ImagesIngested>().unwrap().unwrap().stored, 1);
}

#[tokio::test]
async fn another_image_under_the_same_key_is_another_event() {
    let place = place().await;
    let mut ids = Vec::new();
    for number in [1, 2] {
        put(&place, "incoming/cat/1.jpg", picture(number)).await;
        ids.extend(deliver(&place, created("incoming/cat/1.jpg")).await.unwrap().into_iter().map(|event| event.id));
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn objects_elsewhere_are_none_of_ours() {
    let place = place().await;
    put(&place, "images/abc", picture(1)).await;
    for key in ["images/abc", "incoming/lone.jpg", "other/incoming/cat/1.jpg"] {
        assert_eq!(deliver(&place, created(key)).await.unwrap(), [], "{key}");
    }
    assert_eq!(place.images().await, []);
}

#[tokio::test]
async fn an_object_of_the_stores_own_bucket_is_found_behind_its_prefix() {
    let mut place = place().await;
    place.context.objects = Arc::new(InBucket(place.context.objects.clone()));
    for (number, event) in [
        created_in(Some("plants"), "pappus/incoming/cat/1.jpg"),
        // Whoever names no bucket means the store.
        created_in(None, "incoming/cat/2.jpg"),
    ]
    .into_iter()
    .enumerate()
    {
        put(&place, &format!("incoming/cat/{}.jpg", number + 1), picture(number as u32)).await;
        assert_eq!(deliver(&place, event).await.unwrap().len(), 1);
        assert_eq!(place.label(&picture(number as u32)).await, "cat");
    }
    assert_eq!(place.image(&picture(0)).await.unwrap().origin, "incoming/cat/1.jpg");
    // Beside the store, whatever it is called.
    for key in ["incoming/cat/1.jpg", "pappus2/incoming/cat/1.jpg", "pappus"] {
        assert_eq!(deliver(&place, created_in(Some("plants"), key)).await.unwrap(), [], "{key}");
    }
}

#[tokio::test]
async fn an_object_of_another_bucket_is_refused_and_both_are_named() {
    let mut place = place().await;
    put(&place, "incoming/cat/1.jpg", picture(1)).await;
    let event = || created_in(Some("animals"), "incoming/cat/1.jpg");
    assert_eq!(deliver(&place, event()).await.unwrap().len(), 1, "a folder takes any bucket's events for its own");
    place.context.objects = Arc::new(InBucket(place.context.objects.clone()));
    let failure = deliver(&place, event()).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Refused);
    let told = failure.to_string();
    assert!(told.contains("`animals`") && told.contains("`plants`") && told.contains("PAPPUS_OBJECTS"), "{told}");
}

#[tokio::test]
async fn a_bad_object_is_quarantined_and_the_event_done() {
    let place = place().await;
    put(&place, "incoming/cat/1.jpg", b"a text".to_vec()).await;
    assert_eq!(deliver(&place, created("incoming/cat/1.jpg")).await.unwrap(), []);
    assert_eq!(place.image(b"a text").await.unwrap().status.as_str(), "quarantined");
}

#[tokio::test]
async fn an_object_that_is_too_large_is_refused_for_good_with_both_sizes() {
    let place = place().await;
    let allowed = pappus_inference::Limits::default().bytes;
    let mut large = picture(1);
    large.resize(allowed as usize, 7);
    put(&place, "incoming/cat/1.bmp", large.clone()).await;
    assert_eq!(deliver(&place, created("incoming/cat/1.bmp")).await.unwrap().len(), 1, "as large as is allowed");
    large.push(7);
    put(&place, "incoming/cat/2.bmp", large).await;
    let failure = deliver(&place, created("incoming/cat/2.bmp")).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::TooLarge);
    assert!(!failure.disposition().is_worth_repeating());
    let says = format!("`incoming/cat/2.bmp` has {} bytes: at most {allowed}", allowed + 1);
    assert!(failure.to_string().contains(&says), "{failure}");
    assert_eq!(place.images().await.len(), 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_right_is_refused() {
    let place = place().await;
    let shapeless = Event { data: json!({ "name": "x" }).into(), ..created("incoming/cat/1.jpg") };
    let long = format!("incoming/{}/1.jpg", "x".repeat(65));
    for event in [shapeless, created(&long), created("incoming/cat//1.jpg"), created("incoming/cat/../1.jpg")] {
        let failure = deliver(&place, event).await.unwrap_err();
        assert_eq!(failure.disposition(), Disposition::Refused, "{failure}");
    }
}

#[tokio::test]
async fn an_object_that_is_gone_before_the_event_comes_is_nothing_to_do() {
    let place = place().await;
    assert_eq!(deliver(&place, created("incoming/cat/gone.jpg")).await.unwrap(), []);
    assert_eq!(place.images().await, []);
}
