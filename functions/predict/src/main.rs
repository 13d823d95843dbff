//! The predict function on a host of its own.

use std::process::ExitCode;
use std::thread;

use pappus_host::{Access, Settings};

/// Who keeps images writes them.
const fn access(settings: &Settings) -> Access {
    if settings.keep_images { Access::Write } else { Access::Read }
}

fn main() -> ExitCode {
    pappus_inference::opt_out_of_telemetry();
    // It takes longest to load: let it, while the rest is opened. Whether it worked is asked again later.
    let loading = thread::spawn(pappus_inference::Runtime::load);
    let ended = pappus_host::run(access, async |context| Ok(pappus_predict::app(context).await));
    // A process that ends while the library is being loaded can crash.
    let _ = loading.join();
    ended
}
