//! Dealing images out to folds.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// The fold, from 0 to `folds` − 1, of each image. A group is never divided, no fold is empty, and each class is spread as
/// evenly as groups allow: they are dealt out largest first, in an order that `seed` shuffles, each to the fold that holds
/// least of its classes.
///
/// # Errors
/// [`Error::Length`] when labels and groups differ in number, [`Error::Parameter`] for less than two folds or more folds
/// than groups.
pub fn assign_folds(labels: &[usize], groups: &[u64], folds: usize, seed: u64) -> Result<Vec<usize>, Error> {
    if labels.len() != groups.len() {
        return Err(Error::Length { what: "groups", found: groups.len(), expected: labels.len() });
    }
    let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    groups.iter().enumerate().for_each(|(image, &group)| members.entry(group).or_default().push(image));
    if folds < 2 || folds > members.len() {
        let wanted = "2 to the number of images that are no near-duplicates of each other";
        return Err(Error::Parameter { name: "the number of folds", value: folds as f64, wanted });
    }

    let mut dealt: Vec<Vec<usize>> = members.into_values().collect();
    dealt.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    dealt.sort_by_key(|images| std::cmp::Reverse(images.len()));
    let mut held: Vec<Fold> = vec![Fold::default(); folds];
    let mut folds_of = vec![0; labels.len()];
    for images in dealt {
        // Nothing of the own classes and nothing at all are the best of places, the first of equals is taken.
        let crowd =
            |fold: &Fold| (images.iter().map(|&image| fold.of_class(labels[image])).sum::<usize>(), fold.images);
        let fold = (0..folds).min_by_key(|&fold| crowd(&held[fold])).unwrap_or_default();
        for image in images {
            folds_of[image] = fold;
            held[fold].add(labels[image]);
        }
    }
    Ok(folds_of)
}

/// How many images of each class a fold holds.
#[derive(Clone, Default)]
struct Fold {
    classes: BTreeMap<usize, usize>,
    images: usize,
}

impl Fold {
    fn of_class(&self, class: usize) -> usize {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    fn add(&mut self, class: usize) {
        *self.classes.entry(class).or_default() += 1;
        self.images += 1;
    }
}
