//! The train-trigger function on a host of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    pappus_host::run(async |context| Ok(pappus_train_trigger::app(context)))
}
