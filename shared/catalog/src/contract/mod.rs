//! What every catalog must do, as a suite that panics with what one did instead.
#![allow(clippy::expect_used, clippy::panic, reason = "a suite of assertions: a catalog that fails it fails a test")]

mod decisions;
mod feedback;
mod images;
mod leases;
mod models;
mod predictions;
mod releases;
mod runs;
pub mod samples;
mod sources;
mod transfer;

use crate::Catalog;

pub use transfer::transfer;

/// Runs every behaviour against a catalog that is empty.
///
/// # Panics
/// Panics where the catalog does not behave as the traits of this crate say.
pub async fn suite(catalog: &dyn Catalog) {
    catalog.check().await.expect("an open catalog passes its own check");
    images::suite(catalog).await;
    sources::suite(catalog).await;
    runs::suite(catalog).await;
    models::suite(catalog).await;
    releases::suite(catalog).await;
    predictions::suite(catalog).await;
    decisions::suite(catalog).await;
    feedback::suite(catalog).await;
    leases::suite(catalog).await;
}
