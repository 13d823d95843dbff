//! The promote function on a host of its own.

use std::process::ExitCode;

use pappus_host::Access;

fn main() -> ExitCode {
    pappus_host::run(Access::Read, async |context| {
        if context.settings.tracking.is_some() {
            // Where MLflow is to be told of a release, that is written down first.
            context.objects.check(Access::Write).await?;
        }
        Ok(pappus_promote::app(context))
    })
}
