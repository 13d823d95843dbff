//! The predict function on a host of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // It takes longest to load: let it, while the rest is opened. Whether it worked is asked again later.
    tokio::task::spawn_blocking(pappus_inference::Runtime::load);
    pappus_host::run(|context| async { Ok(pappus_predict::app(context).await) }).await
}
