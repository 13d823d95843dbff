//! One file a command.

mod decisions;
mod demo;
mod evaluate;
mod feedback;
mod follow;
mod images;
mod ingest;
mod job;
mod key;
mod migrate;
mod models;
mod notify;
mod plots;
mod predict;
mod release;
mod runs;
mod sample;
mod status;
mod track;
mod train;
mod up;
mod why;

use pappus_host::{Access, Settings};

use crate::cli::{Cli, Command};
use crate::output::Output;
use crate::session::{context, linger, settings};
use crate::trouble::Trouble;

/// Finds what is wrong with a command line as a whole, before anything is opened or made.
fn check(command: &Command) -> Result<(), Trouble> {
    match command {
        Command::Ingest(options) => ingest::check(options),
        Command::Train(options) => train::check(options),
        _ => Ok(()),
    }
}

/// What a command does with objects.
const fn access(command: &Command, settings: &Settings) -> Access {
    match command {
        // Where MLflow is to be told of a release, that is written down first; where people are, afterwards.
        Command::Promote(_) | Command::Rollback(_) if settings.tracking.is_none() && !settings.notify.is_set() => {
            Access::Read
        }
        Command::Predict(_)
        | Command::Images(_)
        | Command::Runs(_)
        | Command::Decisions(_)
        | Command::Logs(_)
        | Command::Models(_)
        | Command::Why(_) => Access::Read,
        _ => Access::Write,
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<(), Trouble> {
    check(&cli.command)?;
    let home = cli.common.home;
    if let Command::Sample(options) = &cli.command {
        return sample::run(options, output);
    }
    if let Command::Key(options) = &cli.command {
        return key::run(options, output);
    }
    if let Command::Migrate(options) = cli.command {
        // It has two homes, neither of them that of the settings; those of logging hold.
        settings(home, false)?;
        return migrate::run(options, output).await;
    }
    let is_server = matches!(cli.command, Command::Up(_) | Command::TrainingJob { .. });
    let home = match &cli.command {
        Command::Demo(options) => demo::home(home, options.data.as_deref()),
        _ => home,
    };
    let settings = settings(home, is_server)?;
    let settings = Settings { access: access(&cli.command, &settings), ..settings };
    match cli.command {
        Command::Up(options) => return up::run(settings, options.port).await,
        Command::Demo(options) => return demo::run(settings, options, output).await,
        Command::Notify(_) => return notify::test(&settings, output).await,
        _ => {}
    }
    let context = context(settings).await?;
    let done = match cli.command {
        Command::Ingest(options) => ingest::run(&context, options, output).await,
        Command::Train(options) => train::run(&context, options, output).await,
        Command::TrainingJob { run } => train::job(&context, run).await,
        Command::Evaluate(options) => evaluate::run(&context, &options.version, output).await,
        Command::Promote(options) => release::promote(&context, options, output).await,
        Command::Rollback(options) => release::roll_back(&context, options, output).await,
        Command::Predict(options) => predict::run(&context, options, output).await,
        Command::Images(options) => images::run(&context, options, output).await,
        Command::Runs(options) => match options.follow {
            Some(run) => follow::run(&context, run, output).await,
            None => runs::run(&context, options.limit, output).await,
        },
        Command::Feedback(options) => feedback::run(&context, options, output).await,
        Command::Decisions(options) => decisions::run(&context, options.limit, output).await,
        Command::Cancel { run } => job::cancel(&context, run, output).await,
        Command::Logs(options) => job::logs(&context, options, output).await,
        Command::Models(options) => models::run(&context, options.limit, output).await,
        Command::Plots(options) => plots::run(&context, options, output).await,
        Command::Status => status::run(&context, output).await,
        Command::Track(options) => track::run(&context, options, output).await,
        Command::Why(options) => why::run(&context, options.prediction, output).await,
        Command::Sample(_)
        | Command::Key(_)
        | Command::Up(_)
        | Command::Demo(_)
        | Command::Migrate(_)
        | Command::Notify(_) => Ok(()),
    };
    if !matches!(done, Err(Trouble::Interrupted)) {
        linger(&context).await;
    }
    context.close().await;
    done
}
