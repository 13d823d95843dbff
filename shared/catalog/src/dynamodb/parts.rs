//! Many rows, in parts that DynamoDB takes as one.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};

use super::item::{PLACE, ROWS, Row};
use super::key::{Key, SHARDS};
use super::query::{Order, Query};
use super::table::{Table, Write};
use crate::Error;

/// The most rows of a part. A transaction takes 100 writes, and each row may change two counts.
const PART: usize = 33;
/// The most bytes of a row that goes with others: a transaction takes 4 MB.
pub(super) const ROW_OF_PART: usize = 100 * 1024;

/// Has `work` done on all rows: on those of one shard in one part after another, on all shards at once. One answer a row,
/// in order; all that stands for the same `key` is in the same part, in order too.
pub(super) async fn in_parts<'a, T, K, A, F>(
    rows: &'a [T],
    key: impl Fn(&'a T) -> (char, K),
    work: impl Fn(Vec<&'a T>) -> F,
) -> Result<Vec<A>, Error>
where
    K: Eq + Hash,
    F: Future<Output = Result<Vec<A>, Error>>,
{
    let shards = divided(rows.iter().map(key));
    let work = &work;
    let done = stream::iter(shards).map(|parts| async move {
        let mut answers = Vec::new();
        for part in parts {
            let done = work(part.iter().map(|index| &rows[*index]).collect()).await?;
            answers.extend(part.into_iter().zip(done));
        }
        Ok::<_, Error>(answers)
    });
    let mut answers: Vec<(usize, A)> = done.buffer_unordered(SHARDS.len()).try_concat().await?;
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// The numbers of the rows, by shard and part.
fn divided<K: Eq + Hash>(keys: impl Iterator<Item = (char, K)>) -> Vec<Vec<Vec<usize>>> {
    let mut shards: BTreeMap<char, Vec<Vec<usize>>> = BTreeMap::new();
    let mut rows_of_last: HashMap<char, usize> = HashMap::new();
    let mut part_of: HashMap<K, usize> = HashMap::new();
    for (index, (shard, key)) in keys.enumerate() {
        let parts = shards.entry(shard).or_default();
        let part = *part_of.entry(key).or_insert_with(|| {
            let rows = rows_of_last.entry(shard).or_default();
            if parts.is_empty() || *rows == PART {
                parts.push(Vec::new());
                *rows = 0;
            }
            *rows += 1;
            parts.len() - 1
        });
        parts[part].push(index);
    }
    shards.into_values().collect()
}

/// By how much numbers of rows change.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<String, i64>);

impl Differences {
    pub(super) fn add(&mut self, count: String, difference: i64) {
        *self.0.entry(count).or_default() += difference;
    }

    /// As writes in this partition.
    pub(super) fn writes(self, partition: &str) -> Vec<Write> {
        let changed = self.0.into_iter().filter(|(_, difference)| *difference != 0);
        changed.map(|(count, difference)| Write::Count(Key::new(partition, count), difference)).collect()
    }
}

impl Table {
    /// All that is counted in these partitions, and how many rows of it there are.
    pub(super) async fn counts(&self, partitions: impl Fn(char) -> String) -> Result<Vec<(String, u64)>, Error> {
        let counts = stream::iter(SHARDS).map(|shard| {
            let counts = self.rows(Query::all(partitions(shard), Order::Place, "count/"));
            counts.and_then(async |row| read_count(&Row::of("counts", row))).try_collect::<Vec<_>>()
        });
        counts.buffer_unordered(SHARDS.len()).try_concat().await
    }
}

fn read_count(row: &Row) -> Result<(String, u64), Error> {
    let place = row.text(PLACE)?;
    Ok((place.strip_prefix("count/").unwrap_or(place).into(), row.number(ROWS)?))
}

/// Rows of several places, one place after the other, until there are `limit`: of the first place at first, and then of
/// twice as many at once each time, so that many empty places do not take long, and a full one does not cost much.
pub(super) async fn gathered<P, T>(
    places: impl Stream<Item = Result<P, Error>> + Unpin,
    limit: usize,
    rows: impl Fn(P, usize) -> BoxStream<'static, Result<T, Error>>,
) -> Result<Vec<T>, Error> {
    const MOST: usize = 16;
    let (mut places, mut found, mut width) = (places, Vec::new(), 1);
    while found.len() < limit {
        let some: Vec<P> = places.by_ref().take(width).try_collect().await?;
        if some.is_empty() {
            break;
        }
        let wanted = limit - found.len();
        let round = some.into_iter().map(|place| rows(place, wanted).take(wanted).try_collect::<Vec<T>>());
        let round = futures::future::try_join_all(round).await?;
        found.extend(round.into_iter().flatten().take(wanted));
        width = (2 * width).min(MOST);
    }
    Ok(found)
}
