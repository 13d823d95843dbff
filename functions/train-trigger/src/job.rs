//! What an operator does with a run.

use pappus_domain::RunId;
use pappus_domain::event::TrainingFailed;
use pappus_host::Context;

use crate::error::Error;
use crate::supervisor::mark_failed;

/// Writes down that a run is over, before anybody ends its job: whoever begins it in this moment sees that. A training under
/// way, wherever it is, looks at its run every two seconds. The event that tells the others, unless it was over before.
///
/// # Errors
/// [`Error::NoRun`], [`Error::Catalog`].
pub async fn cancel(context: &Context, run: RunId, why: &str) -> Result<Option<TrainingFailed>, Error> {
    context.catalog.run(&run).await?.ok_or(Error::NoRun(run))?;
    mark_failed(context, run, why).await
}
