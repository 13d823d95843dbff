//! Images.

use async_trait::async_trait;
use futures::TryStreamExt;
use pappus_domain::split::Placement;
use pappus_domain::{Digest, Image};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::SqliteCatalog;
use crate::merge::merge;
use crate::write::{self, ImageColumns, rows};
use crate::{Error, ImageCounts, ImageFilter, Images, Labelled, OnConflict, Recorded, read};

#[async_trait]
impl Images for SqliteCatalog {
    async fn record_images(&self, images: &[Image], on_conflict: OnConflict) -> Result<Vec<Recorded>, Error> {
        let mut transaction = self.begin().await?;
        let mut answers = Vec::with_capacity(images.len());
        for image in images {
            answers.push(record(&mut transaction, image, on_conflict).await?);
        }
        transaction.commit().await?;
        Ok(answers)
    }

    async fn image(&self, id: &Digest) -> Result<Option<Image>, Error> {
        let query = sqlx::query(include_str!("images/get.sql")).bind(id.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await?.as_ref().map(read::image).transpose()
    }

    async fn images(&self, filter: &ImageFilter, limit: usize) -> Result<Vec<Image>, Error> {
        let sql = match (filter.status, &filter.label) {
            (None, None) => include_str!("images/list.sql"),
            (Some(_), None) => include_str!("images/list_status.sql"),
            (None, Some(_)) => include_str!("images/list_label.sql"),
            (Some(_), Some(_)) => include_str!("images/list_label_status.sql"),
        };
        let after = filter.after.as_ref().map_or([].as_slice(), |id| id.as_bytes());
        let query = sqlx::query(sql).bind(after).bind(rows(limit));
        let query = query.bind(filter.status).bind(filter.label.as_ref().map(|label| label.as_str()));
        query.fetch_all(&self.readers).await?.iter().map(read::image).collect()
    }

    async fn image_counts(&self) -> Result<ImageCounts, Error> {
        let counted = sqlx::query(include_str!("images/counts.sql")).fetch_all(&self.readers).await?;
        read::image_counts(&counted)
    }

    async fn labelled(&self) -> Result<Vec<Labelled>, Error> {
        let mut found = sqlx::query(include_str!("images/labelled.sql")).fetch(&self.readers);
        let mut images = Vec::new();
        while let Some(row) = found.try_next().await? {
            images.push(read::labelled(&row)?);
        }
        Ok(images)
    }

    async fn place_images(&self, placements: &[(Digest, Placement)]) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for (id, placement) in placements {
            let place = sqlx::query(include_str!("images/place.sql")).bind(id.as_bytes().as_slice());
            place.bind(write::placement(*placement)).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn record(connection: &mut SqliteConnection, image: &Image, on_conflict: OnConflict) -> Result<Recorded, Error> {
    let insert = bind_whole(include_str!("images/insert.sql"), image);
    if insert.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(Recorded::New);
    }
    let get = sqlx::query(include_str!("images/get.sql")).bind(image.id.as_bytes().as_slice());
    let known = read::image(&get.fetch_one(&mut *connection).await?)?;
    let (answer, merged) = merge(&known, image, on_conflict);
    if let Some(merged) = merged {
        bind(include_str!("images/update.sql"), &merged).execute(&mut *connection).await?;
    }
    Ok(answer)
}

/// A statement whose first parameters are all of an image.
pub(super) fn bind_whole<'q>(sql: &'static str, image: &'q Image) -> Query<'q, Sqlite, SqliteArguments> {
    let query = bind(sql, image).bind(&image.origin).bind(image.bytes.cast_signed());
    query.bind(image.recorded_at.as_millisecond())
}

/// A statement whose first parameters are the id, what the status holds, and the label.
fn bind<'q>(sql: &'static str, image: &'q Image) -> Query<'q, Sqlite, SqliteArguments> {
    let columns = ImageColumns::from(&image.status);
    sqlx::query(sql)
        .bind(image.id.as_bytes().as_slice())
        .bind(image.status.as_str())
        .bind(columns.format)
        .bind(columns.width)
        .bind(columns.height)
        .bind(columns.perceptual)
        .bind(columns.reason)
        .bind(image.label.as_ref().map(|label| label.as_str()))
}
