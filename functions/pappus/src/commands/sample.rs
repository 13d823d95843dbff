//! `pappus sample`.

use serde_json::json;

use crate::cli::Sample;
use crate::output::Output;
use crate::progress::bar;
use crate::sample::{SampleError, SampleOptions, generate};
use crate::trouble::Trouble;

pub(crate) fn run(options: &Sample, output: Output) -> Result<(), Trouble> {
    let &Sample { classes, count, seed, .. } = options;
    let drawing = bar(output, "drawing", (classes * count) as u64);
    let drawn =
        generate(&options.dir, &SampleOptions { classes, count, seed }, &|done| drawing.set_position(done as u64));
    drawing.finish_and_clear();
    let summary = drawn.map_err(trouble)?;
    let value =
        json!({ "classes": summary.classes, "images": summary.images, "bytes": summary.bytes, "dir": options.dir });
    output.print(&value, || {
        format!("drew {} pictures of {} classes in {}", summary.images, summary.classes, options.dir.display())
    })
}

pub(crate) fn trouble(error: SampleError) -> Trouble {
    match error {
        SampleError::Classes { .. } | SampleError::Count { .. } => Trouble::Usage(error.to_string()),
        other => Trouble::Failed(pappus_host::Failure::from_error(other)),
    }
}
