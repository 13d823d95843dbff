//! The notify function on a host of its own.

use std::process::ExitCode;

use pappus_host::Access;

fn main() -> ExitCode {
    pappus_host::run(|_| Access::Write, async |context| Ok(pappus_notify::app(context)?))
}
