//! `pappus key`: a new key for a caller.

use pappus_host::NewKey;
use serde::Serialize;

use crate::cli::Key;
use crate::output::Output;
use crate::trouble::Trouble;

/// What is printed.
#[derive(Serialize)]
struct Made {
    key: String,
    line: String,
}

pub(crate) fn run(options: &Key, output: Output) -> Result<(), Trouble> {
    let made = NewKey::of(rand::random(), options.role, &options.name);
    let no_name = || Trouble::Usage(format!("`{}` is no name: 1 to 64 letters, digits and `-._@`", options.name));
    let NewKey { key, line } = made.ok_or_else(no_name)?;
    output.print(&Made { key: key.clone(), line: line.clone() }, || format!("key:  {key}\nline: {line}"))
}
