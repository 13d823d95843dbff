//! How far a move has come, kept beside what was moved, so that the next one goes on there.

use pappus_catalog::Kind;
use pappus_domain::Digest;
use pappus_objects::{Error, Key, Objects, PutMode};
use serde::{Deserialize, Serialize};

use super::home::Urls;
use crate::trouble::Trouble;

/// Where the places are: not part of a home.
pub(super) const FOLDER: &str = "migrations/";
/// Far more than a place has.
const LIMIT: u64 = 64 << 10;

/// How far a move has come.
#[derive(Default, Serialize, Deserialize)]
struct Reached {
    /// The last object of which, and of all before, it was found that they are the same in both.
    object: Option<String>,
    /// The kind of which records were moved last, and where to go on with them.
    records: Option<(Kind, Option<String>)>,
}

/// The place of one move.
pub(super) struct Place {
    objects: Objects,
    key: Key,
    reached: Reached,
}

impl Place {
    /// The place that an earlier move between the same homes has left in `objects`, or the beginning.
    pub(super) async fn find(objects: &Objects, from: &Urls, to: &Urls) -> Result<Self, Trouble> {
        let ends = [from.absolute(), to.absolute()].concat();
        // A digest, since the URLs may hold a password.
        let digest = Digest::of_parts(ends.iter().map(String::as_bytes));
        let key: Key = format!("{FOLDER}{digest}.json").parse().map_err(pappus_host::Failure::from_error)?;
        let reached = match objects.get(&key, LIMIT).await {
            // One that cannot be read is no loss: all of it is looked at again.
            Ok(json) => serde_json::from_slice(&json).unwrap_or_default(),
            Err(Error::NotFound { .. }) => Reached::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { objects: objects.clone(), key, reached })
    }

    /// Whether an object was found to be the same in both.
    pub(super) fn is_behind(&self, key: &Key) -> bool {
        self.reached.object.as_deref().is_some_and(|reached| key.as_str() <= reached)
    }

    pub(super) async fn reach_object(&mut self, key: &Key) -> Result<(), Trouble> {
        if self.is_behind(key) {
            return Ok(());
        }
        self.reached.object = Some(key.to_string());
        self.keep().await
    }

    /// Where to go on with the records of a kind: nothing where all of them were moved.
    pub(super) fn records(&self, kind: Kind) -> Option<Option<String>> {
        let order = |kind: Kind| Kind::ALL.iter().position(|other| *other == kind);
        match &self.reached.records {
            Some((reached, _)) if order(kind) < order(*reached) => None,
            Some((reached, next)) if *reached == kind => Some(next.clone()),
            _ => Some(None),
        }
    }

    pub(super) async fn reach_records(&mut self, kind: Kind, next: Option<String>) -> Result<(), Trouble> {
        self.reached.records = Some((kind, next));
        self.keep().await
    }

    async fn keep(&self) -> Result<(), Trouble> {
        let json = serde_json::to_vec(&self.reached).map_err(pappus_host::Failure::from_error)?;
        Ok(self.objects.put(&self.key, json.into(), PutMode::Overwrite).await?)
    }

    /// The next move begins from the start.
    pub(super) async fn forget(&self) -> Result<(), Trouble> {
        Ok(self.objects.delete(&self.key).await?)
    }
}
