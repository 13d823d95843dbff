//! Cross-validation: how well a head will do on images it has not seen, and how strongly it should be regularised.

mod folds;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::head::{Parameters, Problem, balance, check_labels, check_strength};
use crate::{Error, FitOptions, Head, Matrix, Scaling};
pub use folds::assign_folds;

/// The smallest probability that counts as such in the logarithmic loss.
const LEAST_PROBABILITY: f64 = 1e-12;

/// The features of images, of each in one or several views (the image itself, mirrored, cropped).
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    matrix: Matrix,
    views_per_image: usize,
}

impl Views {
    /// The views of image `i` are the rows `i · views_per_image` and following of `matrix`, the image itself first.
    ///
    /// # Errors
    /// [`Error::Length`] when the rows do not divide evenly among the images.
    pub fn new(matrix: Matrix, views_per_image: usize) -> Result<Self, Error> {
        if views_per_image == 0 || !matrix.rows().is_multiple_of(views_per_image) {
            return Err(Error::Length { what: "views of each image", found: matrix.rows(), expected: views_per_image });
        }
        Ok(Self { matrix, views_per_image })
    }

    /// One view of each image.
    pub const fn single(matrix: Matrix) -> Self {
        Self { matrix, views_per_image: 1 }
    }

    /// The number of images.
    pub const fn images(&self) -> usize {
        self.matrix.rows() / self.views_per_image
    }

    /// The features of an image itself.
    fn image(&self, index: usize) -> &[f32] {
        self.matrix.row(index * self.views_per_image)
    }

    /// All views of the images `indices`.
    fn of_images(&self, indices: &[usize]) -> Matrix {
        let views = |&index: &usize| (0..self.views_per_image).map(move |view| index * self.views_per_image + view);
        self.matrix.select(&indices.iter().flat_map(views).collect::<Vec<_>>())
    }
}

/// Labelled images to validate on.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    /// Their features.
    pub views: &'a Views,
    /// The class of each image, from 0.
    pub labels: &'a [usize],
    /// A number for each image; near-duplicates share one, and are never on both sides.
    pub groups: &'a [u64],
    /// The number of classes.
    pub classes: usize,
}

impl Samples<'_> {
    /// Fits a head to all views of all images, as validation does to those of its folds. An image weighs the same however
    /// many views it has.
    ///
    /// # Errors
    /// As [`Head::fit`].
    pub fn fit(&self, strength: f64, balanced: bool, scaling: &Scaling) -> Result<Head, Error> {
        check_labels(self.labels, self.views.images(), self.classes)?;
        let images: Vec<usize> = (0..self.labels.len()).collect();
        let weights = Some(self.row_weights(images.len()));
        let options = FitOptions { c: strength, balanced, weights, scaling: scaling.clone() };
        Head::fit(&self.views.matrix, &self.row_labels(&images), self.classes, &options)
    }

    fn problem(&self, images: &[usize], plan: &Plan) -> Problem {
        let labels = self.row_labels(images);
        let mut weights = self.row_weights(images.len());
        if plan.balanced {
            weights = balance(&labels, self.classes, weights);
        }
        Problem::new(&self.views.of_images(images), labels, weights, self.classes, &plan.scaling)
    }

    fn row_labels(&self, images: &[usize]) -> Vec<usize> {
        let views = self.views.views_per_image;
        images.iter().flat_map(|&image| std::iter::repeat_n(self.labels[image], views)).collect()
    }

    fn row_weights(&self, images: usize) -> Vec<f64> {
        let views = self.views.views_per_image;
        vec![1.0 / views as f64; images * views]
    }
}

/// How to validate.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The inverse strengths to choose from; see [`FitOptions::c`](crate::FitOptions::c).
    pub strengths: Vec<f64>,
    /// The number of parts, of which each is held out once.
    pub folds: usize,
    /// How often the images are dealt out anew.
    pub repeats: usize,
    /// Of the dealing out.
    pub seed: u64,
    /// Whether classes count the same whatever their size; see [`FitOptions::balanced`](crate::FitOptions::balanced).
    pub balanced: bool,
    /// How features are scaled, on the images that are fitted to; see [`FitOptions::scaling`](crate::FitOptions::scaling).
    pub scaling: Scaling,
}

impl Plan {
    /// How many folds are fitted to the others and scored, in all.
    pub const fn deals(&self) -> usize {
        self.folds * self.repeats
    }
}

/// How well one strength did on images held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The inverse strength.
    pub strength: f64,
    /// The share of images classified rightly, each held out once for each repeat.
    pub accuracy: f64,
    /// The standard deviation of that share from fold to fold.
    pub deviation: f64,
    /// The mean of −ln(probability of the true class).
    pub log_loss: f64,
    /// The standard deviation of that mean from fold to fold.
    pub loss_deviation: f64,
}

impl Score {
    /// Whether the accuracy falls short of `other`'s by more than one standard error of a share among so many `images`: by
    /// less, a small set says nothing about which of two is better.
    pub fn is_clearly_below(&self, other: &Self, images: usize) -> bool {
        let error = (other.accuracy * (1.0 - other.accuracy) / images.max(1) as f64).sqrt();
        self.accuracy < other.accuracy - error
    }
}

/// What cross-validation chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The best strength: the lowest logarithmic loss, which tells more from few images than the share that is right.
    pub best: Score,
    /// The scores of all strengths, in the order of the plan.
    pub table: Vec<Score>,
}

/// Chooses a strength by stratified cross-validation. Heads are fitted to all views of the images of the other folds, and
/// scored on the images held out as they are. Deterministic, whatever the number of threads.
///
/// The accuracy of the choice flatters a little, having been chosen; [`nested_accuracy`] does not.
///
/// # Errors
/// [`Error::Length`] when labels, groups and images differ in number or blocks do not make up the columns, [`Error::Labels`] when a label is out of range,
/// [`Error::Parameter`] for a strength out of range, no strength, no repeat, or more folds than groups.
pub fn cross_validate(samples: &Samples, plan: &Plan) -> Result<Chosen, Error> {
    cross_validate_watched(samples, plan, &|_| {})
}

/// As [`cross_validate`]. `done` is told how many folds of the [`Plan::deals`] are done, by any thread and in any order.
///
/// # Errors
/// As [`cross_validate`].
pub fn cross_validate_watched(samples: &Samples, plan: &Plan, done: &(impl Fn(usize) + Sync)) -> Result<Chosen, Error> {
    check(samples, plan)?;
    let images: Vec<usize> = (0..samples.labels.len()).collect();
    choose(samples, plan, &images, done)
}

/// The accuracy to expect of the whole procedure, the choice of a strength included: in each fold the strength is chosen
/// by an inner cross-validation (as many folds, one repeat) on the other folds alone.
///
/// # Errors
/// As [`cross_validate`].
pub fn nested_accuracy(samples: &Samples, plan: &Plan) -> Result<f64, Error> {
    check(samples, plan)?;
    let images: Vec<usize> = (0..samples.labels.len()).collect();
    let inner = Plan { repeats: 1, seed: plan.seed ^ INNER_SEED, ..plan.clone() };
    let right = splits(samples, plan, &images)?.into_par_iter().map(|split| {
        let strength = choose(samples, &inner, &split.train, &|_| {})?.best.strength;
        let only = Plan { strengths: vec![strength], ..inner.clone() };
        Ok(split.tallies(samples, &only)?.iter().map(|tally| tally.right).sum())
    });
    let right: Vec<usize> = right.collect::<Result<_, Error>>()?;
    Ok(right.iter().sum::<usize>() as f64 / (images.len() * plan.repeats) as f64)
}

/// Keeps the inner dealing out apart from the outer one.
const INNER_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn check(samples: &Samples, plan: &Plan) -> Result<(), Error> {
    check_labels(samples.labels, samples.views.images(), samples.classes)?;
    if samples.groups.len() != samples.labels.len() {
        return Err(Error::Length { what: "groups", found: samples.groups.len(), expected: samples.labels.len() });
    }
    if plan.repeats == 0 {
        return Err(Error::Parameter { name: "the number of repeats", value: 0.0, wanted: "at least 1" });
    }
    if plan.strengths.is_empty() {
        return Err(Error::Parameter { name: "the number of strengths", value: 0.0, wanted: "at least 1" });
    }
    plan.scaling.check(samples.views.matrix.cols())?;
    plan.strengths.iter().try_for_each(|&strength| check_strength(strength))
}

fn choose(samples: &Samples, plan: &Plan, images: &[usize], done: &(impl Fn(usize) + Sync)) -> Result<Chosen, Error> {
    let splits = splits(samples, plan, images)?;
    let folds = AtomicUsize::new(0);
    let tally = |split: &Split| {
        let tallies = split.tallies(samples, plan)?;
        done(folds.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(tallies)
    };
    let tallies: Vec<Vec<Tally>> = splits.par_iter().map(tally).collect::<Result<_, Error>>()?;
    let table: Vec<Score> = (0..plan.strengths.len())
        .map(|index| score(plan.strengths[index], tallies.iter().map(|of_split| of_split[index])))
        .collect();
    let none = Error::Parameter { name: "the number of strengths", value: 0.0, wanted: "at least 1" };
    let best = table.iter().copied().min_by(|a, b| a.log_loss.total_cmp(&b.log_loss)).ok_or(none)?;
    Ok(Chosen { best, table })
}

fn splits(samples: &Samples, plan: &Plan, images: &[usize]) -> Result<Vec<Split>, Error> {
    let labels: Vec<usize> = images.iter().map(|&image| samples.labels[image]).collect();
    let groups: Vec<u64> = images.iter().map(|&image| samples.groups[image]).collect();
    let mut splits = Vec::with_capacity(plan.folds * plan.repeats);
    for repeat in 0..plan.repeats {
        let folds = assign_folds(&labels, &groups, plan.folds, plan.seed.wrapping_add(repeat as u64))?;
        for fold in 0..plan.folds {
            let (held, train): (Vec<_>, Vec<_>) = images.iter().zip(&folds).partition(|&(_, &of)| of == fold);
            let only_images = |pairs: Vec<(&usize, &usize)>| pairs.into_iter().map(|(&image, _)| image).collect();
            splits.push(Split { train: only_images(train), held: only_images(held) });
        }
    }
    Ok(splits)
}

/// Images to fit to, and images held out.
struct Split {
    train: Vec<usize>,
    held: Vec<usize>,
}

/// What a head did on the images held out.
#[derive(Clone, Copy)]
struct Tally {
    images: usize,
    right: usize,
    loss: f64,
}

impl Split {
    /// One tally for each strength. Each fit begins where the last one ended, which saves most of the work.
    fn tallies(&self, samples: &Samples, plan: &Plan) -> Result<Vec<Tally>, Error> {
        let problem = samples.problem(&self.train, plan);
        let mut order: Vec<usize> = (0..plan.strengths.len()).collect();
        order.sort_by(|&a, &b| plan.strengths[a].total_cmp(&plan.strengths[b]));
        let mut tallies = vec![Tally { images: 0, right: 0, loss: 0.0 }; order.len()];
        let mut parameters: Parameters = problem.origin();
        for index in order {
            parameters = problem.fit(plan.strengths[index], parameters);
            tallies[index] = self.tally(samples, &Head::of(&problem, &parameters)?);
        }
        Ok(tallies)
    }

    fn tally(&self, samples: &Samples, head: &Head) -> Tally {
        let mut tally = Tally { images: self.held.len(), right: 0, loss: 0.0 };
        for &image in &self.held {
            let answer = head.answer(samples.views.image(image));
            let label = samples.labels[image];
            let is_right = answer.iter().enumerate().all(|(class, &share)| class == label || share < answer[label]);
            tally.right += usize::from(is_right);
            tally.loss -= answer[label].max(LEAST_PROBABILITY).ln();
        }
        tally
    }
}

fn score(strength: f64, tallies: impl Iterator<Item = Tally> + Clone) -> Score {
    let images: usize = tallies.clone().map(|tally| tally.images).sum();
    let right: usize = tallies.clone().map(|tally| tally.right).sum();
    let loss: f64 = tallies.clone().map(|tally| tally.loss).sum();
    let held = || tallies.clone().filter(|tally| tally.images > 0);
    let of_fold = |sum: fn(&Tally) -> f64| deviation(held().map(|tally| sum(&tally) / tally.images as f64));
    Score {
        strength,
        accuracy: right as f64 / images as f64,
        deviation: of_fold(|tally| tally.right as f64),
        log_loss: loss / images as f64,
        loss_deviation: of_fold(|tally| tally.loss),
    }
}

/// The standard deviation of a sample; 0 of a single value.
fn deviation(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len().saturating_sub(1).max(1) as f64).sqrt()
}
