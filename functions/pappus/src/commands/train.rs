//! `pappus train`, and the job that train-trigger launches.

use std::sync::Arc;

use pappus_domain::run::Recipe;
use pappus_domain::{Manifest, RunId};
use pappus_host::Context;
use pappus_train::{Ended, Error, Lines, Train, Trained};
use pappus_train_trigger::{Trigger, Wish};

use super::plots::Folders;
use crate::cli;
use crate::output::{Output, interval, percent};
use crate::progress;
use crate::session::unless_interrupted;
use crate::shell::program;
use crate::trouble::Trouble;

/// Finds what does not go together.
pub(crate) fn check(options: &cli::Train) -> Result<(), Trouble> {
    if options.recipe == Recipe::Transfer && options.backbone.is_none() {
        return Err(Trouble::Usage(Error::NoBackbone.to_string()));
    }
    Ok(())
}

pub(crate) async fn run(context: &Context, options: cli::Train, output: Output) -> Result<(), Trouble> {
    let cli::Train { recipe, backbone, normalisation, seed, budget, .. } = options;
    let normalisation = normalisation.map(|name| name.to_string());
    let wish = Wish { recipe, backbone, normalisation, seed, budget_seconds: budget, reason: "by hand".into() };
    let trained = train(context, wish, output).await?;
    output.print(&trained.manifest, || {
        let Manifest { name, version, .. } = &trained.manifest;
        let plots = Folders::new(name, version, None).places(&context.settings).join(", ");
        format!("{}\n  plots: {plots}\nnext: {} evaluate {version}", describe(&trained), program())
    })
}

/// Trains as wished. When it is interrupted, the lease is freed and the run says so.
pub(crate) async fn train(context: &Context, wish: Wish, output: Output) -> Result<Trained, Trouble> {
    context.tracking.attend();
    let request = Trigger::new(context.clone()).request(wish).await?;
    let training = Train::new(context.clone(), progress::training(output));
    let trained = unless_interrupted(async { Ok(training.run(&request.run).await?) }).await;
    if matches!(trained, Err(Trouble::Interrupted)) {
        training.abandon(&request.run, "stopped by the operator").await?;
    }
    // A run that was made a moment ago is over only if another training has declared it dead.
    trained?.ok_or_else(|| Trouble::Found(format!("run {} was ended by another training", request.run)))
}

pub(crate) fn describe(trained: &Trained) -> String {
    let Manifest { version, training, .. } = &trained.manifest;
    let validation = &training.cross_validation;
    let classes: Vec<String> =
        training.counts.iter().map(|(class, count)| format!("{class} {} + {}", count.train, count.test)).collect();
    let mut lines = vec![
        format!("trained version {version}: {}", training.parameters.get("candidate").map_or("", String::as_str)),
        format!("  images to train + test with: {}", classes.join(", ")),
        format!(
            "  cross-validated accuracy {} (deviation {:.1}; {} folds, {} times)",
            percent(validation.accuracy),
            100.0 * validation.deviation,
            validation.folds,
            validation.repeats
        ),
        format!("  test accuracy {}", interval(&training.test)),
    ];
    if trained.aside > 0 {
        lines.push(format!("  {} images set aside: they look like images to train and to test with", trained.aside));
    }
    lines.join("\n")
}

/// Does the training of a run, and writes the event that says how it ended to standard output. When it is interrupted, the
/// lease is freed; the run is open, for whoever launched this may launch it again.
pub(crate) async fn job(context: &Context, run: RunId) -> Result<(), Trouble> {
    context.tracking.attend();
    let context = &Context { events: Arc::new(Lines), ..context.clone() };
    let training = Train::new(context.clone(), Arc::new(|step| tracing::debug!(?step)));
    let done = unless_interrupted(async { Ok(training.run(&run).await) }).await;
    if matches!(done, Err(Trouble::Interrupted)) {
        training.let_go(&run).await?;
    }
    let done = done?;
    if let Some(ended) = Ended::of(&done) {
        context.events.publish(ended.event()?).await?;
    }
    Ok(done.map(drop)?)
}
