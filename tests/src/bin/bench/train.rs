//! Seconds to train, the first time and with cached features.

use std::path::Path;

use anyhow::Result;

use crate::program::Program;

pub(crate) fn measure(program: &Program, data: &Path, backbone: &Path, normalisation: &str) -> Result<()> {
    let backbone = backbone.to_string_lossy();
    let transfer = ["train", "--recipe", "transfer", "--backbone", &*backbone, "--normalisation", normalisation];
    let unknown = ["train", "--recipe", "transfer", "--backbone", &*backbone];
    println!(
        "| recipe | first | features cached | cross-validated | test | 95 % interval |\n|---|---|---|---|---|---|"
    );
    for (what, arguments) in [
        ("transfer", &transfer[..]),
        ("transfer, normalisation unknown", &unknown[..]),
        ("scratch", &["train", "--recipe", "scratch"][..]),
    ] {
        let home = tempfile::tempdir()?;
        program.run(home.path(), &["ingest", &data.to_string_lossy()])?;
        let first = program.run(home.path(), arguments)?;
        let second = program.run(home.path(), arguments)?;
        let manifest: serde_json::Value = serde_json::from_str(&second.output)?;
        let training = &manifest["training"];
        let share = |value: &serde_json::Value| 100.0 * value.as_f64().unwrap_or(f64::NAN);
        println!(
            "| {what} | {:.1} s | {:.1} s | {:.1} % | {:.1} % | {:.1} to {:.1} |",
            first.took.as_secs_f64(),
            second.took.as_secs_f64(),
            share(&training["cross_validation"]["accuracy"]),
            share(&training["test"]["value"]),
            share(&training["test"]["low"]),
            share(&training["test"]["high"]),
        );
    }
    Ok(())
}
