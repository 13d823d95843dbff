//! Images.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use pappus_domain::image::Label;
use pappus_domain::split::Placement;
use pappus_domain::{Digest, Image, ImageStatus, PerceptualHash};

use super::item::{FIRST_ORDER, Item, PLACE, Row, SECOND_ORDER};
use super::key::{self, Key, SHARDS};
use super::parts::{Differences, ROW_OF_PART, gathered, in_parts};
use super::query::{Order, Query, after, merged};
use super::table::{If, Write};
use super::{AT_ONCE, DynamoDbCatalog, TURNS, overtaken};
use crate::merge::merge;
use crate::{Error, ImageCounts, ImageFilter, Images, Labelled, OnConflict, Recorded};

const STORED: &str = "stored";
const QUARANTINED: &str = "quarantined";
const PLACEMENT: &str = "placement";
const ASIDE: &str = "aside";

#[async_trait]
impl Images for DynamoDbCatalog {
    async fn record_images(&self, images: &[Image], on_conflict: OnConflict) -> Result<Vec<Recorded>, Error> {
        for image in images {
            write(image, None)?;
        }
        in_parts(images, |image| (key::shard_of(&image.id), image.id), |part| self.record(part, on_conflict)).await
    }

    async fn image(&self, id: &Digest) -> Result<Option<Image>, Error> {
        self.table.get(Key::image(id)).await?.map(|row| read(&Row::of("images", row))).transpose()
    }

    async fn images(&self, filter: &ImageFilter, limit: usize) -> Result<Vec<Image>, Error> {
        let first = filter.after.as_ref().map_or(SHARDS[0], key::shard_of);
        let shards = stream::iter(SHARDS.into_iter().filter(|shard| *shard >= first).map(Ok));
        gathered(shards, limit, |shard, wanted| self.of_shard(shard, filter, wanted)).await
    }

    async fn image_counts(&self) -> Result<ImageCounts, Error> {
        let mut counts = ImageCounts::default();
        for (counted, images) in self.table.counts(key::images).await? {
            let (status, label) = counted.split_once('/').unwrap_or((&counted, ""));
            if status == QUARANTINED {
                counts.quarantined += images;
                continue;
            }
            counts.stored += images;
            if images > 0
                && let Ok(label) = label.parse::<Label>()
            {
                *counts.labels.entry(label).or_default() += images;
            }
        }
        Ok(counts)
    }

    async fn labelled(&self) -> Result<Vec<Labelled>, Error> {
        let shards = stream::iter(SHARDS).map(|shard| async move {
            let query = Query::all(key::images(shard), Order::Place, "id/");
            let rows = self.table.rows(query.only(&[PLACE, "status", "label", "perceptual", PLACEMENT]));
            rows.try_filter_map(async |row| read_labelled(&Row::of("images", row))).try_collect::<Vec<_>>().await
        });
        shards.buffered(SHARDS.len()).try_concat().await
    }

    async fn place_images(&self, placements: &[(Digest, Placement)]) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let first = placements.iter().filter(|(id, _)| seen.insert(*id));
        let place = |(id, placement): &(Digest, Placement)| {
            self.table.complete(Key::image(id), PLACEMENT, write_placement(*placement))
        };
        stream::iter(first.map(Ok)).try_for_each_concurrent(AT_ONCE, place).await
    }
}

impl DynamoDbCatalog {
    /// Records images of one shard in one transaction, anew where others have changed one of them meanwhile.
    async fn record(&self, images: Vec<&Image>, on_conflict: OnConflict) -> Result<Vec<Recorded>, Error> {
        for _ in 0..TURNS {
            let known = self.known(&images).await?;
            let mut now: HashMap<Digest, Image> = HashMap::new();
            for (id, row) in &known {
                now.insert(*id, read(row)?);
            }
            let before = now.clone();
            let answers = images.iter().map(|image| record_one(&mut now, image, on_conflict)).collect();
            let (mut writes, mut counts) = (Vec::new(), Differences::default());
            for (id, image) in now.iter().filter(|(id, image)| before.get(id) != Some(image)) {
                let row = known.get(id);
                let placement = row.map(|row| row.maybe(PLACEMENT)).transpose()?.flatten();
                writes.push(Write::Put(write(image, placement)?, If::still(row)?));
                counts.add(counted(image), 1);
                if let Some(image) = before.get(id) {
                    counts.add(counted(image), -1);
                }
            }
            writes.extend(counts.writes(&key::images(key::shard_of(&images[0].id))));
            if writes.is_empty() || self.table.transact(writes).await? {
                return Ok(answers);
            }
        }
        Err(overtaken("images"))
    }

    pub(super) async fn known(&self, images: &[&Image]) -> Result<HashMap<Digest, Row>, Error> {
        let mut ids: Vec<Digest> = images.iter().map(|image| image.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = self.table.get_all(ids.iter().map(Key::image).collect()).await?;
        let rows = rows.into_iter().map(|row| Row::of("images", row));
        rows.map(|row| Ok((id(&row)?, row))).collect()
    }

    /// The images of one shard that pass the filter, in order of their ids.
    fn of_shard(&self, shard: char, filter: &ImageFilter, wanted: usize) -> BoxStream<'static, Result<Image, Error>> {
        let rows = |order, beginning: &str| {
            let from = filter.after.map_or_else(String::new, |id| after(&format!("{beginning}{id}")));
            let query = Query::after(key::images(shard), order, beginning, from).in_pages_of(wanted);
            let images = self.table.rows(query);
            images.map(|row| read(&Row::of("images", row?))).boxed()
        };
        match (filter.status, &filter.label) {
            (None, None) => rows(Order::Place, "id/"),
            (Some(status), None) => rows(Order::Second, &format!("{status}/")),
            (Some(status), Some(label)) => rows(Order::First, &format!("{label}/{status}/")),
            (None, Some(label)) => {
                let each = [STORED, QUARANTINED].map(|status| rows(Order::First, &format!("{label}/{status}/")));
                merged(each.into(), |image: &Image| image.id)
            }
        }
    }
}

/// What becomes of `image` beside those that are there `now`.
fn record_one(now: &mut HashMap<Digest, Image>, image: &Image, on_conflict: OnConflict) -> Recorded {
    let Some(known) = now.get(&image.id) else {
        now.insert(image.id, image.clone());
        return Recorded::New;
    };
    let (answer, merged) = merge(known, image, on_conflict);
    if let Some(merged) = merged {
        now.insert(image.id, merged);
    }
    answer
}

pub(super) fn counted(image: &Image) -> String {
    key::image_count(image.status.as_str(), image.label.as_ref())
}

pub(super) fn write(image: &Image, placement: Option<&str>) -> Result<Item, Error> {
    let id = image.id.to_string();
    let status = image.status.as_str();
    let item = Item::at(Key::image(&image.id))
        .text(SECOND_ORDER, key::image_of_status(status, &id))
        .maybe(FIRST_ORDER, image.label.as_ref().map(|label| key::labelled_image(label, status, &id)))
        .text("status", status)
        .maybe("label", image.label.as_ref().map(|label| label.as_str()))
        .text("origin", &image.origin)
        .number("bytes", image.bytes)
        .time("recorded_at", image.recorded_at)
        .maybe(PLACEMENT, placement);
    let item = match &image.status {
        ImageStatus::Stored { format, width, height, perceptual } => item
            .text("format", format.as_str())
            .number("width", width)
            .number("height", height)
            .number("perceptual", perceptual.0),
        ImageStatus::Quarantined { reason } => item.text("reason", reason),
    };
    item.within(ROW_OF_PART, || format!("the row of image `{id}`"))
}

pub(super) fn read(row: &Row) -> Result<Image, Error> {
    let status = match row.text("status")? {
        QUARANTINED => ImageStatus::Quarantined { reason: row.text("reason")?.into() },
        _ => ImageStatus::Stored {
            format: row.parse("format")?,
            width: row.number("width")?,
            height: row.number("height")?,
            perceptual: PerceptualHash(row.number("perceptual")?),
        },
    };
    Ok(Image {
        id: id(row)?,
        status,
        label: row.parse_maybe("label")?,
        origin: row.text("origin")?.into(),
        bytes: row.number("bytes")?,
        recorded_at: row.time("recorded_at")?,
    })
}

fn read_labelled(row: &Row) -> Result<Option<Labelled>, Error> {
    let Some(label) = row.parse_maybe("label")? else { return Ok(None) };
    if row.text("status")? != STORED {
        return Ok(None);
    }
    Ok(Some(Labelled {
        id: id(row)?,
        label,
        perceptual: PerceptualHash(row.number("perceptual")?),
        placement: read_placement(row)?,
    }))
}

pub(super) fn read_placement(row: &Row) -> Result<Option<Placement>, Error> {
    let group = |digits| u64::from_str_radix(digits, 16).map_err(|source| row.corrupt(source));
    match row.maybe(PLACEMENT)? {
        None => Ok(None),
        Some(ASIDE) => Ok(Some(Placement::Aside)),
        Some(digits) => Ok(Some(Placement::Group(group(digits)?))),
    }
}

pub(super) fn write_placement(placement: Placement) -> String {
    match placement {
        Placement::Group(group) => format!("{group:016x}"),
        Placement::Aside => ASIDE.into(),
    }
}

fn id(row: &Row) -> Result<Digest, Error> {
    let place = row.text(PLACE)?;
    let id = place.strip_prefix("id/").unwrap_or(place);
    id.parse().map_err(|source: pappus_domain::digest::NotADigest| row.corrupt(source))
}
