//! What a command prints: lines and tables for people, one JSON value for machines.
//!
//! A reader that has gone keeps nothing from being done, and the exit code says how it ended.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::trouble::Trouble;

/// Where a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints `value` for machines, or what `people` writes for people.
    pub(crate) fn print(self, value: &impl Serialize, people: impl FnOnce() -> String) -> Result<(), Trouble> {
        if !self.json {
            return write(&people());
        }
        let text = serde_json::to_string_pretty(value);
        write(&text.map_err(|error| Trouble::Failed(pappus_host::Failure::from_error(error)))?)
    }

    /// Prints for people only: what machines learn from the final value.
    pub(crate) fn say(self, line: impl AsRef<str>) -> Result<(), Trouble> {
        if self.json { Ok(()) } else { write(line.as_ref()) }
    }

    /// Prints why a command failed.
    pub(crate) fn trouble(self, trouble: &Trouble) {
        let line = if self.json {
            serde_json::json!({ "error": trouble.to_string() }).to_string()
        } else {
            format!("error: {trouble}")
        };
        // Where nobody hears it either, the exit code has to do.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

fn write(text: &str) -> Result<(), Trouble> {
    let text = text.trim_end_matches('\n');
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::Failed(pappus_host::Failure::from_error(error)))
        }
        _ => Ok(()),
    }
}

/// A table with its columns aligned.
pub(crate) fn table<const N: usize>(headers: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(headers.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A measured share with its interval.
pub(crate) fn interval(share: &pappus_domain::stats::Proportion) -> String {
    format!(
        "{} (95 % interval {:.1} to {:.1}, {} images)",
        percent(share.value),
        100.0 * share.low,
        100.0 * share.high,
        share.of
    )
}
