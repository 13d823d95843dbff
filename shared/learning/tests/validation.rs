//! Cross-validation: its rules, and what it finds.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

use std::collections::HashSet;
use std::sync::Mutex;

use pappus_learning::validate::{assign_folds, cross_validate, cross_validate_watched, nested_accuracy};
use pappus_learning::{Error, Matrix, Plan, Samples, Scaling, Score, Views};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn plan() -> Plan {
    Plan {
        strengths: vec![0.001, 0.1, 10.0],
        folds: 5,
        repeats: 2,
        seed: 1,
        balanced: false,
        scaling: Scaling::Columns,
    }
}

/// Images of `counts` per class with 20 features: one for each class that tells it but for noise, the others say nothing.
struct Data {
    matrix: Matrix,
    views: Views,
    labels: Vec<usize>,
    groups: Vec<u64>,
    classes: usize,
}

impl Data {
    fn new(counts: &[usize], noise: f32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let labels: Vec<usize> = counts.iter().enumerate().flat_map(|(c, &n)| std::iter::repeat_n(c, n)).collect();
        let mut value = |label: usize, column: usize| {
            let signal = if label == column { 1.0 } else { 0.0 };
            let noise = if column < counts.len() { noise } else { 1.0 };
            signal + noise * (random.random::<f32>() - 0.5)
        };
        let data = labels.iter().flat_map(|&label| (0..20).map(move |column| (label, column)));
        let matrix = Matrix::new(labels.len(), 20, data.map(|(label, column)| value(label, column)).collect()).unwrap();
        let groups = (0..labels.len() as u64).collect();
        Self { views: Views::single(matrix.clone()), matrix, labels, groups, classes: counts.len() }
    }

    fn samples(&self) -> Samples<'_> {
        Samples { views: &self.views, labels: &self.labels, groups: &self.groups, classes: self.classes }
    }
}

#[test]
fn classes_that_a_feature_tells_apart_are_told_apart() {
    for counts in [&[40, 40][..], &[60, 20], &[30, 30, 30], &[50, 20, 10, 10]] {
        let data = Data::new(counts, 0.3);
        let chosen = cross_validate(&data.samples(), &plan()).unwrap();
        assert!(chosen.best.accuracy > 0.97, "{counts:?}: {chosen:?}");
        assert_eq!(chosen.table.len(), 3);
        assert!(chosen.table.iter().all(|score| score.log_loss >= chosen.best.log_loss));
        assert!(nested_accuracy(&data.samples(), &plan()).unwrap() > 0.95);
    }
}

#[test]
fn every_fold_is_told_of_once() {
    let data = Data::new(&[40, 40], 0.3);
    let told = Mutex::new(Vec::new());
    let chosen = cross_validate_watched(&data.samples(), &plan(), &|done| told.lock().unwrap().push(done)).unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    assert_eq!(told, (1..=plan().deals()).collect::<Vec<_>>());
    assert_eq!(chosen, cross_validate(&data.samples(), &plan()).unwrap());
}

#[test]
fn labels_that_mean_nothing_are_not_learned() {
    let mut data = Data::new(&[60, 60], 0.3);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    data.labels.iter_mut().for_each(|label| *label = usize::from(random.random::<bool>()));
    let accuracy = nested_accuracy(&data.samples(), &plan()).unwrap();
    assert!((0.3..0.65).contains(&accuracy), "{accuracy}");
}

#[test]
fn copies_in_one_group_do_not_flatter() {
    // Forty pictures with labels that mean nothing, each there four times: only by remembering them can one be right.
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let pictures: Vec<Vec<f32>> = (0..40).map(|_| (0..60).map(|_| random.random()).collect()).collect();
    let data = (0..160).flat_map(|image| pictures[image % 40].clone()).collect();
    let views = Views::single(Matrix::new(160, 60, data).unwrap());
    let labels: Vec<usize> = (0..160).map(|image| (image % 40) % 2).collect();
    let grouped: Vec<u64> = (0..160).map(|image| image % 40).collect();
    let apart: Vec<u64> = (0..160).collect();
    let accuracy = |groups: &[u64]| {
        let samples = Samples { views: &views, labels: &labels, groups, classes: 2 };
        cross_validate(&samples, &Plan { strengths: vec![10.0], ..plan() }).unwrap().best.accuracy
    };
    assert!(accuracy(&apart) > 0.95);
    assert!(accuracy(&grouped) < 0.75);
}

#[test]
fn only_the_image_itself_is_scored_and_all_views_are_learned() {
    // The second view of each image alone tells its class, and is what the images held out look like.
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let labels: Vec<usize> = (0..40).map(|image| image % 2).collect();
    let mut data = Vec::new();
    for &label in &labels {
        data.extend([label as f32, random.random::<f32>()]);
        data.extend([1.0 - label as f32, random.random::<f32>()]);
    }
    let groups: Vec<u64> = (0..40).collect();
    let views = Views::new(Matrix::new(80, 2, data.clone()).unwrap(), 2).unwrap();
    let samples = Samples { views: &views, labels: &labels, groups: &groups, classes: 2 };
    let contradictory = cross_validate(&samples, &plan()).unwrap().best.accuracy;
    assert!(contradictory < 0.8, "a view that says the opposite is learned too: {contradictory}");

    let first_only = data.chunks_exact(4).flat_map(|views| [views[0], views[1]]).collect();
    let single = Views::single(Matrix::new(40, 2, first_only).unwrap());
    let samples = Samples { views: &single, ..samples };
    assert_eq!(cross_validate(&samples, &plan()).unwrap().best.accuracy, 1.0);
}

#[test]
fn views_do_not_change_the_weight_of_an_image() {
    let data = Data::new(&[30, 30], 1.5);
    let rows: Vec<usize> = (0..60).flat_map(|image| [image, image, image]).collect();
    let thrice = Views::new(data.matrix.select(&rows), 3).unwrap();
    let samples = Samples { views: &thrice, ..data.samples() };
    let answers =
        |samples: Samples| samples.fit(0.1, false, &Scaling::Columns).unwrap().probabilities(&data.matrix).unwrap();
    let (a, b) = (answers(data.samples()), answers(samples));
    assert!(a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn the_seed_decides_and_the_number_of_threads_does_not() {
    let data = Data::new(&[30, 30, 20], 2.0);
    let with = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| cross_validate(&data.samples(), &Plan { seed, ..plan() }).unwrap())
    };
    assert_eq!(with(1, 1), with(4, 1));
    assert_ne!(with(1, 1), with(1, 2));
}

#[test]
fn figures_deviate_where_folds_differ_and_only_there() {
    // Folds of the same two classes, in which every image looks the same.
    let alike = Views::single(Matrix::new(20, 1, vec![0.0; 20]).unwrap());
    let (labels, groups): (Vec<usize>, Vec<u64>) = ((0..20).map(|image| image % 2).collect(), (0..20).collect());
    let samples = Samples { views: &alike, labels: &labels, groups: &groups, classes: 2 };
    for score in cross_validate(&samples, &plan()).unwrap().table {
        assert!(score.deviation < 1e-9 && score.loss_deviation < 1e-9, "{score:?}");
    }
    for score in cross_validate(&Data::new(&[30, 30], 2.0).samples(), &plan()).unwrap().table {
        assert!(score.deviation > 0.0 && score.loss_deviation > 0.0, "{score:?}");
    }
}

#[test]
fn a_small_set_tells_only_large_differences() {
    let score = |accuracy| Score { strength: 1.0, accuracy, deviation: 0.0, log_loss: 0.1, loss_deviation: 0.0 };
    // One standard error of 90 % among 100 is 3 points, among 10 000 it is 0.3.
    assert!(!score(0.88).is_clearly_below(&score(0.9), 100));
    assert!(score(0.86).is_clearly_below(&score(0.9), 100));
    assert!(score(0.88).is_clearly_below(&score(0.9), 10_000));
    assert!(!score(0.9).is_clearly_below(&score(0.9), usize::MAX));
}

#[test]
fn plans_that_cannot_be_carried_out_are_refused() {
    let data = Data::new(&[6, 6], 1.0);
    let wrong = |plan: Plan| cross_validate(&data.samples(), &plan).unwrap_err();
    assert!(matches!(wrong(Plan { folds: 1, ..plan() }), Error::Parameter { name: "the number of folds", .. }));
    assert!(matches!(wrong(Plan { folds: 13, ..plan() }), Error::Parameter { name: "the number of folds", .. }));
    assert!(matches!(wrong(Plan { repeats: 0, ..plan() }), Error::Parameter { .. }));
    assert!(matches!(wrong(Plan { strengths: vec![], ..plan() }), Error::Parameter { .. }));
    assert!(matches!(wrong(Plan { strengths: vec![0.0], ..plan() }), Error::Parameter { name: "c", .. }));
    let blocks = Plan { scaling: Scaling::Blocks(vec![10, 9]), ..plan() };
    assert!(matches!(wrong(blocks), Error::Length { found: 19, expected: 20, .. }));
    let samples = Samples { groups: &data.groups[1..], ..data.samples() };
    assert!(matches!(cross_validate(&samples, &plan()), Err(Error::Length { what: "groups", .. })));
    let matrix = Matrix::new(5, 1, vec![0.0; 5]).unwrap();
    assert!(matches!(Views::new(matrix.clone(), 2), Err(Error::Length { .. })));
    assert!(matches!(Views::new(matrix, 0), Err(Error::Length { .. })));
}

#[test]
fn a_class_of_one_image_does_not_stop_validation() {
    let data = Data::new(&[20, 20, 1], 0.3);
    let chosen = cross_validate(&data.samples(), &plan()).unwrap();
    assert!(chosen.best.accuracy > 0.9 && chosen.best.accuracy < 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_stay_whole_and_no_fold_is_empty(
        images in proptest::collection::vec((0_usize..4, 0_u64..30), 20..120),
        folds in 2_usize..6,
        seed: u64,
    ) {
        let (labels, groups): (Vec<usize>, Vec<u64>) = images.into_iter().unzip();
        prop_assume!(groups.iter().collect::<HashSet<_>>().len() >= folds);
        let of = assign_folds(&labels, &groups, folds, seed).unwrap();
        prop_assert_eq!(of.iter().collect::<HashSet<_>>().len(), folds);
        for (image, group) in groups.iter().enumerate() {
            let first = groups.iter().position(|other| other == group).unwrap();
            prop_assert_eq!(of[image], of[first]);
        }
    }

    #[test]
    fn every_class_is_spread_evenly_over_folds(
        counts in proptest::collection::vec(1_usize..40, 2..5),
        folds in 2_usize..6,
        seed: u64,
    ) {
        let labels: Vec<usize> = counts.iter().enumerate().flat_map(|(c, &n)| std::iter::repeat_n(c, n)).collect();
        prop_assume!(labels.len() >= folds);
        let groups: Vec<u64> = (0..labels.len() as u64).collect();
        let of = assign_folds(&labels, &groups, folds, seed).unwrap();
        for (class, &count) in counts.iter().enumerate() {
            for fold in 0..folds {
                let held = labels.iter().zip(&of).filter(|&(&l, &f)| l == class && f == fold).count();
                // So a class of two images or more is in every set that is trained on.
                prop_assert!(held >= count / folds && held <= count.div_ceil(folds), "{held} of {count} in {folds}");
            }
        }
    }
}
