//! Settings that are wrong: one line that names the variable, and exit code 2.

use std::net::TcpListener;

use anyhow::Result;
use pappus_tests::Home;

/// What `pappus status` says is wrong, on its one line.
fn one_line(home: &Home) -> Result<String> {
    let ended = home.run(&["status"])?.expect(2)?;
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    Ok(ended.stderr)
}

#[test]
fn a_wrong_setting_is_named_with_what_it_may_be() -> Result<()> {
    for (variable, value, allowed) in [
        ("PAPPUS_OBJECTS", "ftp://somewhere/objects", "file:///absolute/path"),
        ("PAPPUS_CATALOG", "catalog.db", "sqlite:///absolute/path"),
        ("PAPPUS_MODEL", "Dandelions", "lowercase letters"),
        ("PAPPUS_LOG_FORMAT", "xml", "`text` or `json`"),
        ("PAPPUS_LOG", "louder=very", "a level such as `info`"),
        ("PAPPUS_EVENTS", "kafka://host", "`local:`"),
        ("PORT", "http", "0 to 65535"),
    ] {
        let home = Home::new()?.with(variable, value);
        let line = one_line(&home)?;
        assert!(line.contains(variable) && line.contains(allowed), "{line}");
    }
    Ok(())
}

#[test]
fn a_home_that_is_a_file_is_a_wrong_setting() -> Result<()> {
    let home = Home::new()?;
    std::fs::write(home.path(), "a file")?;
    let line = one_line(&home)?;
    assert!(line.contains(&home.path().display().to_string()), "{line}");
    assert_eq!(std::fs::read_to_string(home.path())?, "a file");
    Ok(())
}

#[test]
fn machines_are_told_of_a_wrong_setting_too() -> Result<()> {
    let home = Home::new()?.with("PAPPUS_MODEL", "Dandelions");
    let ended = home.run(&["status", "--json"])?.expect(2)?;
    let error: serde_json::Value = serde_json::from_str(&ended.stderr)?;
    assert!(error["error"].as_str().is_some_and(|error| error.contains("PAPPUS_MODEL")), "{error}");
    Ok(())
}

#[test]
fn an_unknown_option_is_wrong_usage() -> Result<()> {
    let home = Home::new()?;
    for arguments in [&["status", "--louder"][..], &["trian"], &["train", "--recipe", "guess"], &["ingest"], &[]] {
        let ended = home.run(arguments)?.expect(2)?;
        assert!(ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
    }
    assert!(!home.path().exists(), "wrong usage leaves nothing behind");
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named() -> Result<()> {
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let home = Home::new()?;
    let refusal = home.refusal(1, &["up", "--port", &port])?;
    assert!(refusal.contains(&format!("port {port} of 127.0.0.1 is taken")), "{refusal}");
    // Before anything is drawn or learned.
    let refusal = home.refusal(1, &["demo", "--port", &port])?;
    assert!(refusal.contains(&format!("port {port}")), "{refusal}");
    assert!(!home.path().exists());
    Ok(())
}
