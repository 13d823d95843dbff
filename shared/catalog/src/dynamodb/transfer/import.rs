//! Writing records as they are.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_domain::split::Placement;
use pappus_domain::{Image, Prediction};

use super::read;
use crate::dynamodb::parts::{Differences, in_parts};
use crate::dynamodb::table::{If, Write};
use crate::dynamodb::{
    AT_ONCE, DynamoDbCatalog, TURNS, decisions, feedback, images, key, models, overtaken, releases, runs, sources,
};
use crate::{Error, Predictions as _, Record, Source};

/// An image, and where it belongs.
type Placed<'a> = (&'a Image, Option<Placement>);

impl DynamoDbCatalog {
    /// Writes records as they are, and says how many were new.
    pub(super) async fn write_as_they_are(&self, records: &[Record]) -> Result<u64, Error> {
        let (mut images, mut sources, mut predictions, mut others) = (vec![], vec![], vec![], vec![]);
        for record in once_each(records)? {
            match record {
                Record::Image { image, placement } => images.push((image, *placement)),
                Record::Source(source) => sources.push(source),
                Record::Prediction(made) => predictions.push(made),
                other => others.push(self.import_one(other)),
            }
        }
        let of_image = |(image, _): &Placed<'_>| (key::shard_of(&image.id), image.id);
        let of_source = |source: &&Source| (key::source_shard(&source.url), source.url.clone());
        let new: [Vec<bool>; 4] = [
            in_parts(&images, of_image, |part| self.import_images(part)).await?,
            in_parts(&sources, of_source, |part| self.import_sources(part)).await?,
            self.import_predictions(&predictions).await?,
            stream::iter(others).buffered(AT_ONCE).try_collect().await?,
        ];
        Ok(new.concat().into_iter().filter(|new| *new).count() as u64)
    }

    /// Writes images of one shard in one transaction; says of each whether it was new.
    async fn import_images(&self, part: Vec<&Placed<'_>>) -> Result<Vec<bool>, Error> {
        for _ in 0..TURNS {
            let known = self.known(&part.iter().map(|(image, _)| *image).collect::<Vec<_>>()).await?;
            let (mut new, mut writes, mut counts) = (Vec::new(), Vec::new(), Differences::default());
            for (image, placement) in part.iter().copied() {
                new.push(!known.contains_key(&image.id));
                let Some(there) = known.get(&image.id) else {
                    let placement = placement.map(images::write_placement);
                    writes.push(Write::Put(images::write(image, placement.as_deref())?, If::Absent));
                    counts.add(images::counted(image), 1);
                    continue;
                };
                if (images::read(there)?, images::read_placement(there)?) != ((*image).clone(), *placement) {
                    return Err(differs(&Record::Image { image: (*image).clone(), placement: *placement }));
                }
            }
            writes.extend(counts.writes(&key::images(key::shard_of(&part[0].0.id))));
            if writes.is_empty() || self.table.transact(writes).await? {
                return Ok(new);
            }
        }
        Err(overtaken("images"))
    }

    /// Writes sources of one shard in one transaction; says of each whether it was new.
    async fn import_sources(&self, part: Vec<&&Source>) -> Result<Vec<bool>, Error> {
        for _ in 0..TURNS {
            let known = self.known_sources(part.iter().map(|source| source.url.as_str())).await?;
            let (mut new, mut writes, mut counts) = (Vec::new(), Vec::new(), Differences::default());
            for source in part.iter().copied() {
                new.push(!known.contains_key(&source.url));
                match known.get(&source.url) {
                    None => {
                        writes.push(Write::Put(sources::write(source)?, If::Absent));
                        counts.add(sources::counted(source), 1);
                    }
                    Some((_, there)) if there == *source => {}
                    Some(_) => return Err(differs(&Record::Source((*source).clone()))),
                }
            }
            writes.extend(counts.writes(&key::sources(key::source_shard(&part[0].url))));
            if writes.is_empty() || self.table.transact(writes).await? {
                return Ok(new);
            }
        }
        Err(overtaken("sources"))
    }

    async fn import_predictions(&self, predictions: &[&Prediction]) -> Result<Vec<bool>, Error> {
        let new = self.log(predictions).await?;
        let known = predictions.iter().zip(&new).filter(|(_, new)| !**new).map(Ok);
        let is_same = async |(made, _): (&&Prediction, &bool)| {
            let there = self.prediction(&made.id).await?;
            if there.as_ref() == Some(*made) { Ok(()) } else { Err(differs(&Record::Prediction((*made).clone()))) }
        };
        stream::iter(known).try_for_each_concurrent(AT_ONCE, is_same).await?;
        Ok(new)
    }

    /// Writes a record that has no part in what is counted; says whether it was new.
    async fn import_one(&self, record: &Record) -> Result<bool, Error> {
        let item = match record {
            Record::DataSet(data_set) => runs::write_data_set(data_set),
            Record::Run(run) => runs::write(run)?,
            Record::Model(manifest) => models::write(manifest)?,
            Record::Evaluation(evaluation) => models::write_evaluation(evaluation)?,
            Record::Release(release) => releases::write(release),
            Record::Ledger(entry) => releases::write_entry(entry)?,
            Record::Decision(decision) => decisions::write(decision)?,
            Record::Feedback(told) => feedback::write(told),
            Record::Image { .. } | Record::Source(_) | Record::Prediction(_) => return Ok(false),
        };
        let key = item.key();
        if self.table.put(item, If::Absent).await? {
            return Ok(true);
        }
        let there = self.table.get(key).await?.map(|row| read(record.kind(), row)).transpose()?;
        if there.as_ref() == Some(record) { Ok(false) } else { Err(differs(record)) }
    }
}

/// The records, those that are there twice once.
fn once_each(records: &[Record]) -> Result<Vec<&Record>, Error> {
    let mut seen: HashMap<_, &Record> = HashMap::new();
    let mut once = Vec::with_capacity(records.len());
    for record in records {
        match seen.insert((record.kind(), record.key()), record) {
            None => once.push(record),
            Some(other) if other == record => {}
            Some(_) => return Err(differs(record)),
        }
    }
    Ok(once)
}

/// That something else is there already.
fn differs(record: &Record) -> Error {
    Error::Differs { what: record.to_string() }
}
