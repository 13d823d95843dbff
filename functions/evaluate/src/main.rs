//! The evaluate function on a host of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pappus_host::run(|context| async { Ok(pappus_evaluate::app(context)) }).await
}
