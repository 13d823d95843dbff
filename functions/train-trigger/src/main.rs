//! The train-trigger function on a host of its own.

use std::process::ExitCode;

use pappus_host::Access;

fn main() -> ExitCode {
    // Where MLflow is to be told of a run that has failed, that is written down first.
    pappus_host::run(
        |settings| if settings.tracking.is_some() { Access::Write } else { Access::Read },
        async |context| Ok(pappus_train_trigger::app(context).await?),
    )
}
