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
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(told(output, &Trouble::Failed(Failure::from_error(error)))),
    };
    let code = run(&runtime, cli, output).err().map_or(0, |trouble| told(output, &trouble));
    // A training that was ended from elsewhere may compute for minutes yet.
    pappus_host::end(runtime, code)
}

/// Says what is the matter, and gives the exit code.
fn told(output: Output, trouble: &Trouble) -> u8 {
    output.trouble(trouble);
    trouble.exit_code()
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
