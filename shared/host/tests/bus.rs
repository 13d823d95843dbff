//! The bus of one process: delivered to every function, again while it may help.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{event, function};
use pappus_domain::Event;
use pappus_host::{App, Bus, Disposition, Failure, Publisher as _};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

/// Publishes an event to functions and returns what was told, so many times.
async fn published(apps: &[App], kind: &str, told: &mut mpsc::UnboundedReceiver<String>, times: usize) -> Vec<String> {
    let (bus, deliveries) = Bus::new();
    bus.publish(event(kind)).await.unwrap();
    let mut heard = Vec::new();
    let hear = async {
        while heard.len() < times {
            heard.push(told.recv().await.unwrap());
        }
        // No more comes, also later.
        assert!(tokio::time::timeout(Duration::from_secs(600), told.recv()).await.is_err());
    };
    tokio::select! {
        () = deliveries.run(bus.clone(), apps) => panic!("the bus is still open"),
        () = hear => heard,
    }
}

type Told = mpsc::UnboundedSender<String>;

/// A function that tells of each event, and fails the first so many times.
fn failing(tell: Told, times: usize, disposition: Disposition) -> App {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    function(move |event| {
        tell.send(event.kind).unwrap();
        let failed = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < times;
        if failed { Err(Failure::new(disposition, "not now")) } else { Ok(Vec::new()) }
    })
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_twice_is_asked_a_third_time_and_not_a_fourth() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let heard = published(&[failing(tell, 2, Disposition::Unavailable)], "a", &mut told, 3).await;
    assert_eq!(heard, ["a", "a", "a"]);
    // 200 ms and 400 ms between the tries, and the ten minutes in which nothing came.
    assert_eq!(begun.elapsed().as_secs(), 600);
    assert!(begun.elapsed() >= Duration::from_millis(600_600));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_given_up_at_once() {
    for disposition in [Disposition::Refused, Disposition::TooLarge, Disposition::WrongType, Disposition::Absent] {
        let (tell, mut told) = mpsc::unbounded_channel();
        assert_eq!(published(&[failing(tell, 9, disposition)], "a", &mut told, 1).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_succeeds_is_given_up_in_the_end() {
    for disposition in [Disposition::Conflict, Disposition::Overloaded, Disposition::Unavailable, Disposition::Fault] {
        let (tell, mut told) = mpsc::unbounded_channel();
        assert_eq!(published(&[failing(tell, 9, disposition)], "a", &mut told, 5).await.len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_function_returns_is_published_to_all() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let returning = |name: &'static str, tell: Told| {
        function(move |event: Event| {
            tell.send(format!("{name} {}", event.kind)).unwrap();
            Ok(if (name, event.kind.as_str()) == ("one", "a") { vec![common::event("b")] } else { Vec::new() })
        })
    };
    let apps = [returning("one", tell.clone()), returning("two", tell)];
    let mut heard = published(&apps, "a", &mut told, 4).await;
    heard.sort_unstable();
    assert_eq!(heard, ["one a", "one b", "two a", "two b"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_or_panics_keeps_an_event_from_no_other() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let panicking = function(|_| panic!("a bug of a function"));
    let apps = [panicking, failing(tell.clone(), 9, Disposition::Refused), failing(tell, 0, Disposition::Fault)];
    assert_eq!(published(&apps, "a", &mut told, 2).await.len(), 2);
}

#[tokio::test]
async fn an_event_after_the_end_is_dropped_and_no_error() {
    let (bus, deliveries) = Bus::new();
    drop(deliveries);
    bus.publish(event("late")).await.unwrap();
}
