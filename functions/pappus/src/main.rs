//! All functions in one process, and the operator's command line.

mod cli;
mod commands;
mod output;
mod progress;
mod sample;
mod session;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::output::Output;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.common.json);
    match commands::run(cli, output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            output.trouble(&trouble);
            ExitCode::from(trouble.exit_code())
        }
    }
}
