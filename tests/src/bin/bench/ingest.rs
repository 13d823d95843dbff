//! Images a second and peak memory, as the folder grows.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::program::{Program, photographs};

pub(crate) fn measure(program: &Program, data: &Path, sizes: &[usize]) -> Result<()> {
    let photographs = photographs(data)?;
    println!("| images | seconds | images/s | again, all known: images/s | peak memory |\n|---|---|---|---|---|");
    for &size in sizes {
        let work = tempfile::tempdir()?;
        let folder = work.path().join("photographs");
        grow(&photographs, &folder, size)?;
        let (home, from) = (work.path().join("home"), folder.to_string_lossy().into_owned());
        let first = program.run(&home, &["ingest", &from])?;
        let report: serde_json::Value = serde_json::from_str(&first.output)?;
        ensure!(report["stored"] == size, "{} of {size} images were stored", report["stored"]);
        let second = program.run(&home, &["ingest", &from])?;
        let rate = |seconds: f64| size as f64 / seconds;
        println!(
            "| {size} | {:.2} | {:.0} | {:.0} | {:.0} MiB |",
            first.took.as_secs_f64(),
            rate(first.took.as_secs_f64()),
            rate(second.took.as_secs_f64()),
            first.peak_mib,
        );
    }
    Ok(())
}

/// A folder of `size` photographs, each file different: behind the picture stands a number, which decoders pass over.
fn grow(photographs: &[std::path::PathBuf], folder: &Path, size: usize) -> Result<()> {
    for number in 0..size {
        let source = &photographs[number % photographs.len()];
        let class = source.parent().and_then(Path::file_name).unwrap_or_default();
        let target = folder.join(class);
        std::fs::create_dir_all(&target)?;
        let mut bytes = std::fs::read(source)?;
        bytes.extend((number as u64).to_le_bytes());
        std::fs::write(target.join(format!("{number:06}.jpg")), bytes)?;
    }
    Ok(())
}
