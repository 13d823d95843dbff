//! What is said under a title: of which model, on which images, how good.

use pappus_domain::stats::Proportion;
use pappus_domain::verdict::Evaluation;

use crate::style::percent;

/// Such as `leaf 3f2a91c04b7e on 66 test images, accuracy 98.5 % (91.9 to 99.7)`.
pub(crate) fn caption(evaluation: &Evaluation) -> String {
    let Evaluation { model, version, report, .. } = evaluation;
    format!("{model} {version} on {}, accuracy {}", test_images(report.images), with_interval(&report.accuracy))
}

pub(crate) fn test_images(count: u64) -> String {
    if count == 1 { "1 test image".into() } else { format!("{count} test images") }
}

fn with_interval(share: &Proportion) -> String {
    format!("{} (95 % interval {:.1} to {:.1})", percent(share.value), 100.0 * share.low, 100.0 * share.high)
}
