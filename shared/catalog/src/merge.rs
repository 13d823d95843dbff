//! What becomes of a known image that comes again.

#[cfg(feature = "mysql")]
pub(crate) mod batch;

use pappus_domain::{Image, ImageStatus};

use crate::{OnConflict, Recorded};

/// The answer to `new` where `known` is recorded, and the image as it is to be recorded from now on, if that changes.
///
/// The first origin and time stay. A label is added where there was none; another label is a conflict, settled as
/// `on_conflict` says. What older rules refused becomes stored when newer rules take it, and never the other way round.
pub(crate) fn merge(known: &Image, new: &Image, on_conflict: OnConflict) -> (Recorded, Option<Image>) {
    let mut merged = known.clone();
    if matches!((&known.status, &new.status), (ImageStatus::Quarantined { .. }, ImageStatus::Stored { .. })) {
        merged.status = new.status.clone();
    }
    let conflict = match (&known.label, &new.label) {
        (Some(label), Some(other)) if label != other && on_conflict == OnConflict::Keep => Some(label.clone()),
        (_, Some(label)) => {
            merged.label = Some(label.clone());
            None
        }
        (_, None) => None,
    };
    let changed = merged != *known;
    let answer = match conflict {
        Some(label) => Recorded::Conflict(label),
        None if changed => Recorded::Updated,
        None => Recorded::Known,
    };
    (answer, changed.then_some(merged))
}
