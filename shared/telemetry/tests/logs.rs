//! Logs go to standard error; they begin once a process, so each case has a process of its own.
#![allow(clippy::unwrap_used)] // a test may panic

use std::error::Error as _;
use std::process::Command;

use pappus_telemetry::{LogError, LogFormat, init_logs};
use serde_json::Value;

#[test]
#[ignore = "the other tests run it, each in a process of its own"]
fn log_some_lines() {
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    let labels = [("service", "pre\"dict".to_owned()), ("revision", "1".to_owned())];
    init_logs(setting("FORMAT").parse().unwrap(), &setting("FILTER"), &labels).unwrap();
    tracing::info!(answer = 42, "told");
    tracing::debug!("whispered");
    tracing::info!(target: "ort", "of the runtime");
    tracing::warn!(target: "ort", "warned of the runtime");
    println!("second: {}", init_logs(LogFormat::Text, "info", &[]).unwrap_err());
}

/// What a process logs: its standard output and error.
fn logged(format: &str, filter: &str) -> (String, String) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log_some_lines", "--ignored", "--nocapture"])
        .envs([("FORMAT", format), ("FILTER", filter)])
        .output()
        .unwrap();
    let [out, err] = [child.stdout, child.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(child.status.success(), "{out}{err}");
    (out, err)
}

#[test]
fn lines_go_to_standard_error_and_are_filtered() {
    let (out, err) = logged("text", "info");
    assert!(err.contains("told") && err.contains("42") && !err.contains("whispered"), "{err}");
    assert!(!out.contains("told"), "{out}");
    assert!(!err.contains('\u{1b}'), "a pipe sees no colours: {err}");
    let (_, err) = logged("", "warn,logs=debug");
    assert!(err.contains("whispered") && err.contains("told"), "{err}");
    let (_, err) = logged("", "error");
    assert!(!err.contains("told"), "{err}");
}

#[test]
fn the_runtimes_chatter_is_kept_out() {
    let (_, err) = logged("text", "info");
    let of_it: Vec<&str> = err.lines().filter(|line| line.contains("of the runtime")).collect();
    assert!(matches!(of_it[..], [line] if line.contains("warned")), "{err}");
}

#[test]
fn a_json_line_is_one_object() {
    let (_, err) = logged("json", "info");
    let line = err.lines().find(|line| line.contains("told")).unwrap();
    let json: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&json["message"], &json["answer"], &json["level"]), (&"told".into(), &42.into(), &"INFO".into()));
    assert!(json["timestamp"].is_string(), "{json}");
    assert_eq!((&json["service"], &json["revision"]), (&"pre\"dict".into(), &"1".into()));
}

#[test]
fn logging_begins_once() {
    let (out, _) = logged("text", "info");
    assert!(out.contains("second: logging has begun already"), "{out}");
}

#[test]
fn a_wrong_format_or_filter_is_named_with_what_it_may_be() {
    let error = "xml".parse::<LogFormat>().unwrap_err();
    assert_eq!(error.to_string(), "PAPPUS_LOG_FORMAT is `xml`: it may be `text` or `json`");
    for filter in ["pappus=loud", "=====", "a=b=c"] {
        let error = init_logs(LogFormat::Text, filter, &[]).unwrap_err();
        assert!(matches!(error, LogError::Filter { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&format!("PAPPUS_LOG is `{filter}`: it may be ")), "{error}");
        assert!(error.source().is_some());
    }
}

#[test]
fn every_known_format_has_its_name() {
    for (name, format) in [("", LogFormat::Text), ("text", LogFormat::Text), ("json", LogFormat::Json)] {
        assert_eq!(name.parse::<LogFormat>().unwrap(), format);
    }
}
