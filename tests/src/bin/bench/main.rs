//! Measures the program as a user meets it, in separate processes, and prints what it measured.
//!
//! `scripts/bench` runs it with a release build. Nothing here judges: the figures go into `docs/benchmarks.md`.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

mod cold_start;
mod ingest;
mod program;
mod retraining;
mod serve;
mod stores;
mod train;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures Pappus.
#[derive(Parser)]
struct Cli {
    /// The program, built for release
    #[arg(long, default_value = "target/release/pappus")]
    pappus: PathBuf,
    /// Photographs in folders named by class
    #[arg(long)]
    data: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Images a second and peak memory, as the folder grows
    Ingest {
        /// The sizes of the folders
        #[arg(long, value_delimiter = ',', default_value = "300,3000,30000")]
        sizes: Vec<usize>,
    },
    /// Seconds to train, the first time and with cached features
    Train {
        /// The pretrained network
        #[arg(long)]
        backbone: PathBuf,
        /// How it wants its pixels
        #[arg(long, default_value = "minus-one-to-one")]
        normalisation: String,
    },
    /// From the decision to train to the model, as the data set grows
    Retraining {
        /// The sizes of the data sets: pictures that are drawn
        #[arg(long, value_delimiter = ',', default_value = "320,3200,32000")]
        sizes: Vec<usize>,
    },
    /// Milliseconds from exec to the first answer
    ColdStart {
        /// The pretrained network
        #[arg(long)]
        backbone: PathBuf,
        /// How often
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// Answers a second, beside the same work in a bare loop
    Serve {
        /// The pretrained network
        #[arg(long)]
        backbone: PathBuf,
        /// Seconds of each measurement
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// What the stores that teams have cost, beside the embedded ones
    Stores {
        /// What the servers are, for who reads the tables
        #[arg(long, default_value = "")]
        servers: String,
        #[command(flatten)]
        sizes: stores::Sizes,
    },
}

fn main() -> anyhow::Result<()> {
    let Cli { pappus, data, what } = Cli::parse();
    let program = program::Program::new(pappus)?;
    match what {
        What::Ingest { sizes } => ingest::measure(&program, &data, &sizes),
        What::Train { backbone, normalisation } => train::measure(&program, &data, &backbone, &normalisation),
        What::Retraining { sizes } => retraining::measure(&program, &sizes),
        What::ColdStart { backbone, times } => cold_start::measure(&program, &data, &backbone, times),
        What::Serve { backbone, seconds } => serve::measure(&program, &data, &backbone, seconds),
        What::Stores { servers, sizes } => stores::measure(&program, &servers, &sizes),
    }
}
