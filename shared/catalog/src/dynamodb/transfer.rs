//! Moving everything: partition by partition, each in its order.

mod import;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::item::{Attributes, FIRST_ORDER, PARTITION, PLACE, Row};
use super::key::{self, HourPart, SHARDS};
use super::parts::gathered;
use super::query::{self, Order, Query};
use super::{DynamoDbCatalog, decisions, feedback, images, predictions, releases, runs, sources};
use crate::{Error, Kind, Page, Record, Transfer};

#[async_trait]
impl Transfer for DynamoDbCatalog {
    async fn export(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Page, Error> {
        let limit = limit.max(1);
        let start = after.map(|token| Place::read(kind, token)).transpose()?;
        let found = gathered(self.partitions(kind, start.as_ref()), limit, |partition, wanted| {
            let mut query = whole(kind, partition);
            if let Some(start) = start.as_ref().filter(|start| start.partition == query.partition) {
                query.from = query::after(&start.place);
            }
            let rows = self.table.rows(query.in_pages_of(wanted));
            rows.map(move |row| row.and_then(|row| Ok((Place::of(kind, &row), read(kind, row)?)))).boxed()
        });
        let (places, records): (Vec<Place>, Vec<Record>) = found.await?.into_iter().unzip();
        let next = places.last().filter(|_| records.len() == limit).map(Place::write);
        Ok(Page { records, next })
    }

    /// In parts: after an error some may be written and others not, and writing all of them again completes it.
    async fn import(&self, records: &[Record]) -> Result<u64, Error> {
        self.write_as_they_are(records).await
    }
}

/// Where a page ended.
struct Place {
    partition: String,
    place: String,
}

impl Place {
    fn of(kind: Kind, row: &Attributes) -> Self {
        let name = if kind == Kind::Predictions { FIRST_ORDER } else { PLACE };
        let text = |name| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        Self { partition: text(PARTITION), place: text(name) }
    }

    fn write(&self) -> String {
        format!("{} {}", self.partition, self.place)
    }

    fn read(kind: Kind, token: &str) -> Result<Self, Error> {
        let place = token.split_once(' ').map(|(partition, place)| (partition.to_owned(), place.to_owned()));
        let is_of_kind = |partition: &String| match kind {
            Kind::Predictions => HourPart::of_partition(partition).is_some(),
            _ => partitions(kind).contains(partition),
        };
        let place = place.filter(|(partition, _)| is_of_kind(partition));
        let (partition, place) = place.ok_or_else(|| Error::NotFound(format!("place `{token}` to go on from")))?;
        Ok(Self { partition, place })
    }
}

/// The partitions of a kind, in order; those of predictions are listed in the table.
fn partitions(kind: Kind) -> Vec<String> {
    match kind {
        Kind::Images => SHARDS.map(key::images).into(),
        Kind::Sources => SHARDS.map(key::sources).into(),
        Kind::DataSets => vec![key::DATA_SETS.into()],
        Kind::Runs => vec![key::RUNS.into()],
        Kind::Models => vec![key::MODELS.into()],
        Kind::Evaluations => vec![key::EVALUATIONS.into()],
        Kind::Releases => vec![key::RELEASES.into()],
        Kind::Ledger => vec![key::LEDGER.into()],
        Kind::Predictions => Vec::new(),
        Kind::Decisions => vec![key::DECISIONS.into()],
        Kind::Feedback => vec![key::FEEDBACK.into()],
    }
}

/// All of a kind that is in a partition.
fn whole(kind: Kind, partition: String) -> Query {
    match kind {
        Kind::Images => Query::all(partition, Order::Place, "id/"),
        Kind::Sources => Query::all(partition, Order::Place, "url/"),
        Kind::Predictions => predictions::in_time(partition, (i64::MIN, i64::MAX)),
        _ => Query::whole(partition),
    }
}

fn read(kind: Kind, row: Attributes) -> Result<Record, Error> {
    Ok(match kind {
        Kind::Images => {
            let row = Row::of("images", row);
            Record::Image { image: images::read(&row)?, placement: images::read_placement(&row)? }
        }
        Kind::Sources => Record::Source(sources::read(&Row::of("sources", row))?),
        Kind::DataSets => Record::DataSet(runs::read_data_set(&Row::of("data_sets", row))?),
        Kind::Runs => Record::Run(runs::read(&Row::of("runs", row))?),
        Kind::Models => Record::Model(Row::of("models", row).json("manifest")?),
        Kind::Evaluations => Record::Evaluation(Row::of("evaluations", row).json("evaluation")?),
        Kind::Releases => Record::Release(releases::read(&Row::of("releases", row))?),
        Kind::Ledger => Record::Ledger(releases::read_entry(&Row::of("ledger", row))?),
        Kind::Predictions => Record::Prediction(predictions::read(&Row::of("predictions", row))?),
        Kind::Decisions => Record::Decision(decisions::read(&Row::of("decisions", row))?),
        Kind::Feedback => Record::Feedback(feedback::read(&Row::of("feedback", row))?),
    })
}

impl DynamoDbCatalog {
    /// The partitions of a kind, from that where the last page ended.
    fn partitions(&self, kind: Kind, start: Option<&Place>) -> BoxStream<'static, Result<String, Error>> {
        if kind != Kind::Predictions {
            let all = partitions(kind).into_iter();
            let start = start.map(|start| start.partition.clone());
            let left = all.skip_while(move |partition| start.as_ref().is_some_and(|start| start != partition));
            return stream::iter(left.map(Ok)).boxed();
        }
        let start = start.and_then(|start| HourPart::of_partition(&start.partition));
        let listed =
            predictions::listed::between(&self.table, (start.map_or(i64::MIN, |part| part.hour), i64::MAX), false);
        let left = listed.try_filter(move |part| std::future::ready(Some(*part) >= start));
        left.map_ok(HourPart::partition).boxed()
    }
}
