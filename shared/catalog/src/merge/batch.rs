//! What becomes of many things at once, of which some are known: all decided before any is written, so that each is
//! written once, in order of the keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use pappus_domain::image::Label;
use pappus_domain::{Digest, Image};

use super::merge;
use crate::{Added, OnConflict, Recorded, Source, SourceStatus};

/// What to write of a batch, and what to answer.
pub(crate) struct Batch<T, A> {
    /// What was not known.
    pub(crate) new: Vec<T>,
    /// What was known and is otherwise now.
    pub(crate) changed: Vec<T>,
    /// One answer for each of the batch, in order.
    pub(crate) answers: Vec<A>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Changed,
    New,
}

impl<T, A> Batch<T, A> {
    fn of<K>(things: BTreeMap<K, (T, State)>, answers: Vec<A>) -> Self {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (thing, state) in things.into_values() {
            match state {
                State::New => new.push(thing),
                State::Changed => changed.push(thing),
                State::Known => {}
            }
        }
        Self { new, changed, answers }
    }
}

impl State {
    /// What is new stays so, however often it changes before it is written.
    fn change(&mut self) {
        if *self == Self::Known {
            *self = Self::Changed;
        }
    }
}

/// Images that come, beside those of them that are `known`. A later one sees the earlier.
pub(crate) fn images(known: Vec<Image>, images: &[Image], on_conflict: OnConflict) -> Batch<Image, Recorded> {
    let mut things: BTreeMap<_, _> = known.into_iter().map(|image| (image.id, (image, State::Known))).collect();
    let mut record = |image: &Image| match things.entry(image.id) {
        Entry::Vacant(place) => {
            place.insert((image.clone(), State::New));
            Recorded::New
        }
        Entry::Occupied(mut there) => {
            let (known, state) = there.get_mut();
            let (answer, merged) = merge(known, image, on_conflict);
            if let Some(merged) = merged {
                *known = merged;
                state.change();
            }
            answer
        }
    };
    let answers = images.iter().map(&mut record).collect();
    Batch::of(things, answers)
}

/// Sources that come, beside those of them that are `known`, by the digests of their URLs. A later one sees the earlier.
pub(crate) fn sources(
    known: Vec<Source>,
    sources: &[(String, Label)],
    on_conflict: OnConflict,
) -> Batch<Source, Added> {
    let key = |url: &str| Digest::of(url.as_bytes());
    let mut things: BTreeMap<_, _> =
        known.into_iter().map(|source| (key(&source.url), (source, State::Known))).collect();
    let mut add = |(url, label): &(String, Label)| match things.entry(key(url)) {
        Entry::Vacant(place) => {
            let source = Source { url: url.clone(), label: label.clone(), status: SourceStatus::Pending };
            place.insert((source, State::New));
            Added::Pending
        }
        Entry::Occupied(mut there) => {
            let (known, state) = there.get_mut();
            let fetch_as_told = match &known.status {
                SourceStatus::Stored { image } => return Added::Stored(*image),
                SourceStatus::Failed { .. } => true,
                SourceStatus::Pending => known.label != *label && on_conflict == OnConflict::Relabel,
            };
            if fetch_as_told {
                (known.label, known.status) = (label.clone(), SourceStatus::Pending);
                state.change();
            }
            if known.label == *label { Added::Pending } else { Added::Conflict(known.label.clone()) }
        }
    };
    let answers = sources.iter().map(&mut add).collect();
    Batch::of(things, answers)
}
