//! The train-trigger function on a host of its own.

use std::process::ExitCode;

use pappus_host::Access;

fn main() -> ExitCode {
    pappus_host::run(|_| Access::Read, async |context| Ok(pappus_train_trigger::app(context).await?))
}
