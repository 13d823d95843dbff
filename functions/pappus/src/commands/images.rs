//! `pappus images`.

use pappus_catalog::ImageFilter;
use pappus_domain::ImageStatus;
use pappus_host::Context;

use crate::cli;
use crate::output::{Output, table};
use crate::trouble::Trouble;

pub(crate) async fn run(context: &Context, options: cli::Images, output: Output) -> Result<(), Trouble> {
    let status = options.quarantined.then_some("quarantined");
    let filter = ImageFilter { status, label: options.label, after: None };
    let images = context.catalog.images(&filter, options.limit).await?;
    output.print(&images, || {
        let rows = images.iter().map(|image| {
            let what = match &image.status {
                ImageStatus::Stored { format, width, height, .. } => format!("{} {width}×{height}", format.as_str()),
                ImageStatus::Quarantined { reason } => format!("quarantined: {reason}"),
            };
            let label = image.label.as_ref().map_or_else(|| "-".into(), ToString::to_string);
            [image.id.short(12), label, image.bytes.to_string(), what, image.origin.clone()]
        });
        table(["image", "label", "bytes", "what", "origin"], rows)
    })
}
