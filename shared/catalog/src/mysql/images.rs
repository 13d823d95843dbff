//! Images.

use async_trait::async_trait;
use pappus_domain::split::Placement;
use pappus_domain::{Digest, Image};

use super::MySqlCatalog;
use super::many::{among, groups, insert, update};
use super::server::{Session, Statement, persistently};
use crate::merge::batch::{self, Batch};
use crate::write::{self, ImageColumns, rows};
use crate::{Error, ImageCounts, ImageFilter, Images, Labelled, OnConflict, Recorded, read};

#[async_trait]
impl Images for MySqlCatalog {
    async fn record_images(&self, images: &[Image], on_conflict: OnConflict) -> Result<Vec<Recorded>, Error> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        persistently(|| self.record(images, on_conflict)).await
    }

    async fn image(&self, id: &Digest) -> Result<Option<Image>, Error> {
        let get = sqlx::query(include_str!("images/get.sql")).bind(id.as_bytes().as_slice());
        self.server.row(get).await?.as_ref().map(read::image).transpose()
    }

    async fn images(&self, filter: &ImageFilter, limit: usize) -> Result<Vec<Image>, Error> {
        let label = filter.label.as_ref().map(|label| label.as_str());
        let query = match (filter.status, label) {
            (None, None) => sqlx::query(include_str!("images/list.sql")),
            (Some(status), None) => sqlx::query(include_str!("images/list_status.sql")).bind(status),
            (None, Some(label)) => sqlx::query(include_str!("images/list_label.sql")).bind(label),
            (Some(status), Some(label)) => {
                sqlx::query(include_str!("images/list_label_status.sql")).bind(status).bind(label)
            }
        };
        let after = filter.after.as_ref().map_or([].as_slice(), |id| id.as_bytes());
        let found = self.server.rows(query.bind(after).bind(rows(limit))).await?;
        found.iter().map(read::image).collect()
    }

    async fn image_counts(&self) -> Result<ImageCounts, Error> {
        read::image_counts(&self.server.rows(sqlx::query(include_str!("images/counts.sql"))).await?)
    }

    async fn labelled(&self) -> Result<Vec<Labelled>, Error> {
        let labelled = sqlx::query(include_str!("images/labelled.sql"));
        self.server.session().await?.each(labelled, read::labelled).await
    }

    async fn place_images(&self, placements: &[(Digest, Placement)]) -> Result<(), Error> {
        persistently(|| self.place(placements)).await
    }
}

impl MySqlCatalog {
    async fn record(&self, images: &[Image], on_conflict: OnConflict) -> Result<Vec<Recorded>, Error> {
        let mut transaction = self.server.begin().await?;
        let known = known(&mut transaction, images).await?;
        let Batch { new, changed, answers } = batch::images(known, images, on_conflict);
        write_all(&mut transaction, include_str!("images/insert.sql"), &new).await?;
        write_all(&mut transaction, include_str!("images/update.sql"), &changed).await?;
        transaction.commit().await?;
        Ok(answers)
    }

    async fn place(&self, placements: &[(Digest, Placement)]) -> Result<(), Error> {
        let mut transaction = self.server.begin().await?;
        for group in groups(placements, |_| 0) {
            let pair = |query: Statement<'static>, (id, placement): &(Digest, Placement)| {
                query.bind(id.as_bytes().to_vec()).bind(write::placement(*placement))
            };
            let place = group.iter().fold(update(include_str!("images/place.sql"), group.len()), pair);
            let place = group.iter().fold(place, |query, (id, _)| query.bind(id.as_bytes().to_vec()));
            transaction.execute(place).await?;
        }
        transaction.commit().await
    }
}

/// Those of the images that are known, as they are, and locked.
async fn known(transaction: &mut Session, images: &[Image]) -> Result<Vec<Image>, Error> {
    let mut ids: Vec<_> = images.iter().map(|image| image.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut known = Vec::new();
    for group in groups(&ids, |_| 0) {
        let query = among(include_str!("images/known.sql"), group.len());
        let query = group.iter().fold(query, |query, id| query.bind(id.as_bytes().as_slice()));
        for row in &transaction.rows(query).await? {
            known.push(read::image(row)?);
        }
    }
    Ok(known)
}

async fn write_all(transaction: &mut Session, sql: &str, images: &[Image]) -> Result<(), Error> {
    for group in groups(images, length) {
        transaction.execute(group.iter().fold(insert(sql, group.len()), bind)).await?;
    }
    Ok(())
}

/// The bytes of an image's texts.
pub(super) fn length(image: &Image) -> usize {
    image.origin.len() + ImageColumns::from(&image.status).reason.map_or(0, str::len)
}

/// All of an image, as further parameters of a statement.
pub(super) fn bind<'q>(statement: Statement<'q>, image: &'q Image) -> Statement<'q> {
    let columns = ImageColumns::from(&image.status);
    statement
        .bind(image.id.as_bytes().as_slice())
        .bind(image.status.as_str())
        .bind(columns.format)
        .bind(columns.width)
        .bind(columns.height)
        .bind(columns.perceptual)
        .bind(columns.reason)
        .bind(image.label.as_ref().map(|label| label.as_str()))
        .bind(&image.origin)
        .bind(image.bytes.cast_signed())
        .bind(image.recorded_at.as_millisecond())
}
