//! Which side of the split an image stands on: decided once, by what it looks like.
//!
//! Images that look alike form a group, a group stands on one side, and the side is a function of the group alone. So
//! near-duplicates are never learned from and tested on at once, and a test image stays one however the data set grows.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::data_set::Split;
use crate::digest::Digest;
use crate::perceptual::PerceptualHash;

/// Of ten groups, how many are held out.
const TEST_TENTHS: u64 = 2;

/// Where an image belongs. Decided when it first enters a data set, kept with the image ever after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// With the images that look like it; the number is the perceptual hash of the first of them.
    Group(u64),
    /// In no data set: it looks like a training image and like a test image, so it may stand on neither side.
    Aside,
}

impl Placement {
    /// The side of the split, or `None` for an image that is set aside.
    pub fn split(self) -> Option<Split> {
        let Self::Group(group) = self else { return None };
        let drawn = Digest::of_parts([b"pappus split/1".as_slice(), &group.to_be_bytes()]).leading_u64() % 10;
        Some(if drawn < TEST_TENTHS { Split::Test } else { Split::Train })
    }
}

/// Places images one after another, remembering those placed before.
///
/// Near hashes are found through bands: two hashes that differ in at most [`PerceptualHash::NEAR`] bits agree on at
/// least one of `NEAR + 1` bands (pigeonhole), so only hashes that share a band are compared.
#[derive(Debug, Default)]
pub struct Placer {
    placed: BTreeMap<PerceptualHash, Placement>,
    bands: HashMap<(usize, u64), Vec<PerceptualHash>>,
}

impl Placer {
    /// Remembers an image that was placed in the past.
    pub fn remember(&mut self, hash: PerceptualHash, placement: Placement) {
        if self.placed.insert(hash, placement).is_some() {
            return;
        }
        for band in bands(hash) {
            self.bands.entry(band).or_default().push(hash);
        }
    }

    /// Places a new image, and remembers it. To place the same images in the same way, come in the same order.
    pub fn place(&mut self, hash: PerceptualHash) -> Placement {
        let placement = self.choose(hash);
        self.remember(hash, placement);
        placement
    }

    fn choose(&self, hash: PerceptualHash) -> Placement {
        if let Some(known) = self.placed.get(&hash) {
            return *known;
        }
        let mut near: Vec<(u32, u64, Split)> = bands(hash)
            .filter_map(|band| self.bands.get(&band))
            .flatten()
            .filter(|other| other.is_near(hash))
            .filter_map(|other| match self.placed.get(other)? {
                place @ Placement::Group(group) => Some((hash.distance(*other), *group, place.split()?)),
                Placement::Aside => None,
            })
            .collect();
        near.sort_unstable();
        let Some(&(_, nearest, side)) = near.first() else {
            return Placement::Group(hash.0);
        };
        if near.iter().any(|(_, _, other)| *other != side) {
            return Placement::Aside;
        }
        Placement::Group(nearest)
    }
}

fn bands(hash: PerceptualHash) -> impl Iterator<Item = (usize, u64)> {
    const COUNT: u32 = PerceptualHash::NEAR + 1;
    (0..COUNT).map(move |band| {
        let (start, end) = (64 * band / COUNT, 64 * (band + 1) / COUNT);
        (band as usize, (hash.0 >> start) & ((1 << (end - start)) - 1))
    })
}
