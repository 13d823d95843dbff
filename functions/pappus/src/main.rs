//! All functions in one process, and the operator's command line.

mod cli;
mod commands;
mod output;
mod progress;
mod sample;
mod session;
mod shell;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;
use pappus_host::Failure;
use tokio::runtime::Runtime;

use crate::cli::Cli;
use crate::output::Output;
use crate::trouble::Trouble;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.common.json);
    let done = match Runtime::new() {
        Err(error) => Err(Trouble::Failed(Failure::from_error(error))),
        Ok(runtime) => {
            let done = runtime.block_on(commands::run(cli, output));
            // After Ctrl-C a computation may be under way that nobody waits for any more, and that can take minutes.
            runtime.shutdown_background();
            done
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            output.trouble(&trouble);
            ExitCode::from(trouble.exit_code())
        }
    }
}
