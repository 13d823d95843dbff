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
    pappus_inference::opt_out_of_telemetry();
    let cli = Cli::parse();
    let output = Output::new(cli.common.json);
    let runtime = Runtime::new().map_err(|error| Trouble::Failed(Failure::from_error(error)));
    let Err(trouble) = runtime.and_then(|runtime| run(&runtime, cli, output)) else { return ExitCode::SUCCESS };
    output.trouble(&trouble);
    ExitCode::from(trouble.exit_code())
}

fn run(runtime: &Runtime, cli: Cli, output: Output) -> Result<(), Trouble> {
    let done = runtime.block_on(commands::run(cli, output));
    if let Err(trouble @ Trouble::Interrupted) = &done {
        output.trouble(trouble);
        // A computation may be under way that takes minutes. To end as usual would be to wait for it; to end with exit
        // handlers but without waiting would be to take ONNX Runtime from under it.
        signal_hook::low_level::exit(trouble.exit_code().into());
    }
    done
}
