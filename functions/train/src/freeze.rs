//! Labelled images become a data set.

use pappus_catalog::{Catalog, DataSetRecord, Labelled};
use pappus_domain::split::{Placement, Placer};
use pappus_domain::{DataSet, DataSetEntry, Digest, Timestamp};
use pappus_host::Context;
use pappus_objects::{Key, PutMode};

use crate::error::Error;

/// A frozen data set, and what is not in it.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    pub(crate) data_set: DataSet,
    /// Labelled images that look like images of both sides, and so are in neither.
    pub(crate) aside: u64,
}

/// Freezes all labelled images of now. The same images with the same labels are the same data set.
///
/// # Errors
/// [`Error::TooFew`] before anything is written, [`Error::Catalog`], [`Error::Objects`].
pub(crate) async fn freeze(context: &Context) -> Result<Frozen, Error> {
    let labelled = context.catalog.labelled().await?;
    let (frozen, new) = place(&labelled);
    frozen.data_set.check()?;
    place_new(&*context.catalog, &new).await?;
    let key: Key = DataSet::object_key(&frozen.data_set.digest()).parse()?;
    let text = frozen.data_set.to_text();
    match context.objects.put(&key, text.into(), PutMode::IfAbsent).await {
        Err(pappus_objects::Error::AlreadyExists { .. }) => {}
        other => other?,
    }
    let record = DataSetRecord {
        digest: frozen.data_set.digest(),
        labelled: labelled.len() as u64,
        frozen_at: Timestamp::now(),
    };
    context.catalog.record_data_set(&record).await?;
    Ok(frozen)
}

/// Images that are placed in one transaction.
const PAGE: usize = 1000;

async fn place_new(catalog: &dyn Catalog, new: &[(Digest, Placement)]) -> Result<(), Error> {
    for page in new.chunks(PAGE) {
        catalog.place_images(page).await?;
    }
    Ok(())
}

fn place(labelled: &[Labelled]) -> (Frozen, Vec<(Digest, Placement)>) {
    let mut placer = Placer::default();
    for image in labelled {
        if let Some(placement) = image.placement {
            placer.remember(image.perceptual, placement);
        }
    }
    let (mut entries, mut new, mut aside) = (Vec::with_capacity(labelled.len()), Vec::new(), 0);
    for image in labelled {
        let placement = image.placement.unwrap_or_else(|| {
            let placement = placer.place(image.perceptual);
            new.push((image.id, placement));
            placement
        });
        match (placement, placement.split()) {
            (Placement::Group(group), Some(split)) => {
                entries.push(DataSetEntry { image: image.id, label: image.label.clone(), split, group });
            }
            _ => aside += 1,
        }
    }
    (Frozen { data_set: DataSet::new(entries), aside }, new)
}
