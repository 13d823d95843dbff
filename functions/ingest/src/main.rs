//! The ingest function on a host of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    pappus_host::run(async |context| Ok(pappus_ingest::app(context)))
}
