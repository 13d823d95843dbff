//! The metrics of a process.
#![allow(clippy::unwrap_used)] // a test may panic

use pappus_telemetry::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

#[test]
fn metrics_are_read_as_openmetrics_text() {
    let metrics = Metrics::default();
    let seen = Counter::<u64>::default();
    metrics.register(|registry| registry.register("seen", "Images seen", seen.clone()));
    seen.inc_by(3);
    let text = metrics.text().unwrap();
    assert!(text.contains("# HELP seen Images seen.\n# TYPE seen counter\nseen_total 3\n"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn the_host_s_labels_stand_in_every_line() {
    let metrics = Metrics::new(vec![("service", "predict".into()), ("revision", "predict-00001".into())]);
    metrics.register(|registry| registry.register("seen", "Images seen", Counter::<u64>::default()));
    let text = metrics.text().unwrap();
    assert!(text.contains("seen_total{service=\"predict\",revision=\"predict-00001\"} 0\n"), "{text}");
}

#[test]
fn all_clones_are_one_registry() {
    let metrics = Metrics::default();
    let level = metrics.clone().register(|registry| {
        let level = Gauge::<i64>::default();
        registry.register("level", "Level", level.clone());
        level
    });
    level.set(-7);
    assert!(metrics.text().unwrap().contains("level -7\n"));
    assert_eq!(Metrics::default().text().unwrap(), "# EOF\n", "another registry is another");
}

#[test]
fn a_registration_that_panics_does_not_spoil_the_registry() {
    let metrics = Metrics::default();
    let broken = metrics.clone();
    std::thread::spawn(move || broken.register(|_| panic!("a bug of a function"))).join().unwrap_err();
    metrics.register(|registry| registry.register("after", "After", Counter::<u64>::default()));
    assert!(metrics.text().unwrap().contains("after_total 0"));
}
