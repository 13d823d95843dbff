//! The catalog's records, copied and compared.

use pappus_catalog::{Catalog, Kind};
use pappus_domain::Digest;
use pappus_host::Failure;
use serde::Serialize;

use super::home::Open;
use super::place::Place;
use crate::output::Output;
use crate::progress::counter;
use crate::trouble::Trouble;

/// Records of one page.
const PAGE: usize = 500;

/// All records of a kind, as found in both.
#[derive(Serialize)]
pub(super) struct Moved {
    pub(super) kind: Kind,
    /// How many there are.
    pub(super) count: u64,
    /// A digest of all of them, whatever order they are in.
    pub(super) digest: Digest,
}

/// Copies every record that is not there.
pub(super) async fn copy(from: &Open, to: &Open, place: &mut Place, output: Output) -> Result<(), Trouble> {
    for kind in Kind::ALL {
        let Some(mut after) = place.records(kind) else { continue };
        let progress = counter(output, kind.as_str());
        loop {
            let page = from.catalog.export(kind, after.as_deref(), PAGE).await?;
            to.catalog.import(&page.records).await?;
            progress.inc(page.records.len() as u64);
            let Some(next) = page.next else { break };
            place.reach_records(kind, Some(next.clone())).await?;
            after = Some(next);
        }
        progress.finish_and_clear();
    }
    Ok(())
}

/// Reads both catalogs from beginning to end and finds that they hold the same.
pub(super) async fn verify(from: &Open, to: &Open, output: Output) -> Result<Vec<Moved>, Trouble> {
    let mut moved = Vec::new();
    for kind in Kind::ALL {
        let sent = sum(&*from.catalog, kind, output).await?;
        let arrived = sum(&*to.catalog, kind, output).await?;
        if sent != arrived {
            return Err(Trouble::Found(format!(
                "the {} are not the same in both, {} here and {} there: let nothing change them meanwhile, and move into \
                 an empty home or run the same command again",
                kind.as_str(),
                sent.count,
                arrived.count
            )));
        }
        moved.push(Moved { kind, count: sent.count, digest: Digest::from_bytes(sent.digests) });
    }
    Ok(moved)
}

/// How many records there are, and their digests, summed so that their order does not matter: catalogs keep their own.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    digests: [u8; 32],
}

impl Sum {
    /// Adds a digest to a number of 256 bits, the lowest byte first.
    fn add(&mut self, digest: &Digest) {
        self.count += 1;
        let mut carry = 0;
        for (sum, byte) in self.digests.iter_mut().zip(digest.as_bytes()) {
            let total = u16::from(*sum) + u16::from(*byte) + carry;
            let [low, high] = total.to_le_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
    }
}

async fn sum(catalog: &dyn Catalog, kind: Kind, output: Output) -> Result<Sum, Trouble> {
    let progress = counter(output, &format!("comparing {}", kind.as_str()));
    let (mut sum, mut after) = (Sum::default(), None::<String>);
    loop {
        let page = catalog.export(kind, after.as_deref(), PAGE).await?;
        for record in &page.records {
            sum.add(&Digest::of(&serde_json::to_vec(record).map_err(Failure::from_error)?));
        }
        progress.inc(page.records.len() as u64);
        after = page.next;
        if after.is_none() {
            progress.finish_and_clear();
            return Ok(sum);
        }
    }
}
