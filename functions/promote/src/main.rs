//! The promote function on a host of its own.

use std::process::ExitCode;

use pappus_host::Access;

fn main() -> ExitCode {
    // Where MLflow is to be told of a release, that is written down first.
    pappus_host::run(
        |settings| if settings.tracking.is_some() { Access::Write } else { Access::Read },
        async |context| Ok(pappus_promote::app(context)),
    )
}
