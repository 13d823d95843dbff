//! The head: against scikit-learn, and by its own rules.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::assert_close;
use pappus_learning::{Error, FitOptions, Head, Matrix, Scaling};
use proptest::prelude::*;

/// Numbers that any language makes alike: 0 to 1, from a linear congruence (Numerical Recipes' constants).
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    (0..count).map(|_| next()).collect()
}

/// `rows` × 6 features, of which the last is constant, and labels that depend on some of them with noise.
fn problem(rows: usize, classes: usize) -> (Matrix, Vec<usize>) {
    let mut data = numbers(rows * 6, 42);
    data.chunks_exact_mut(6).for_each(|row| {
        row[1] = row[1] * 300.0 + 50.0;
        row[5] = 3.5;
    });
    let noise = numbers(rows, 7);
    let label = |(row, noise): (&[f32], &f32)| {
        let score = 0.5 * row[0] + 0.4 * (row[1] - 50.0) / 300.0 + 0.3 * noise;
        ((score * classes as f32 / 1.2) as usize).min(classes - 1)
    };
    let labels = data.chunks_exact(6).zip(&noise).map(label).collect();
    (Matrix::new(rows, 6, data).unwrap(), labels)
}

/// Made by scikit-learn 1.9: `make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-8, max_iter=10000,
/// class_weight=weight)).fit(x, y).predict_proba(x[:3])` on the numbers above.
#[test]
fn probabilities_are_those_of_scikit_learn() {
    let cases: [(usize, usize, f64, bool, &[f32]); 5] = [
        (40, 2, 1.0, false, &[0.947137, 0.052863, 0.799304, 0.200696, 0.055819, 0.944181]),
        (40, 2, 0.03, true, &[0.630933, 0.369067, 0.617870, 0.382130, 0.358557, 0.641443]),
        (
            90,
            3,
            0.1,
            false,
            &[0.387758, 0.586206, 0.026037, 0.283877, 0.694620, 0.021503, 0.016075, 0.587679, 0.396246],
        ),
        (
            90,
            5,
            10.0,
            true,
            &[
                0.813830, 0.174385, 0.011632, 0.000153, 0.000000, 0.000004, 0.451876, 0.539668, 0.008453, 0.000000,
                0.000000, 0.000209, 0.050182, 0.608200, 0.341409,
            ],
        ),
        (
            300,
            4,
            1.0,
            false,
            &[
                0.358778, 0.635561, 0.005660, 0.000002, 0.052884, 0.873519, 0.073569, 0.000028, 0.000031, 0.039274,
                0.615381, 0.345313,
            ],
        ),
    ];
    for (rows, classes, c, balanced, expected) in cases {
        let (features, labels) = problem(rows, classes);
        let head = Head::fit(&features, &labels, classes, &FitOptions { balanced, ..FitOptions::new(c) }).unwrap();
        let found = head.probabilities(&features.select(&[0, 1, 2])).unwrap();
        assert_close(found.as_slice(), expected, 2e-4);
    }
}

#[test]
fn a_constant_column_has_no_weight() {
    let (features, labels) = problem(60, 3);
    let head = Head::fit(&features, &labels, 3, &FitOptions::new(1.0)).unwrap();
    assert!((0..3).all(|class| head.weights().row(class)[5] == 0.0));
    assert!((0..3).any(|class| head.weights().row(class)[0].abs() > 0.1));
}

#[test]
fn a_row_of_weight_two_is_two_rows() {
    // One column of zeros and ones. Standardisation sees rows and not weights, so the penalty must be next to nothing.
    let column = |rows: &[usize]| {
        Matrix::new(rows.len(), 1, rows.iter().map(|row| if row % 4 < 2 { 1.0 } else { 0.0 }).collect()).unwrap()
    };
    let label = |row: &usize| usize::from(row % 7 < 3);
    let (once, doubled): (Vec<usize>, Vec<usize>) = ((0..40).collect(), (0..40).chain(0..10).collect());
    let weights = once.iter().map(|&row| if row < 10 { 2.0 } else { 1.0 }).collect();
    let fit = |rows: &[usize], weights| {
        let options = FitOptions { weights, ..FitOptions::new(1e6) };
        let labels: Vec<usize> = rows.iter().map(label).collect();
        Head::fit(&column(rows), &labels, 2, &options).unwrap().probabilities(&column(&[0, 2])).unwrap()
    };
    assert_close(fit(&once, Some(weights)).as_slice(), fit(&doubled, None).as_slice(), 1e-4);
}

#[test]
fn balance_lifts_the_rare_class() {
    let (features, mut labels) = problem(200, 2);
    labels.iter_mut().enumerate().for_each(|(row, label)| *label &= usize::from(row % 10 == 0));
    let mean_of_rare = |balanced| {
        let options = FitOptions { balanced, ..FitOptions::new(0.1) };
        let answers = Head::fit(&features, &labels, 2, &options).unwrap().probabilities(&features).unwrap();
        (0..200).map(|row| answers.row(row)[1]).sum::<f32>() / 200.0
    };
    let share = labels.iter().sum::<usize>() as f32 / 200.0;
    // A free bias makes the mean answer equal to the (weighted) share of the class.
    assert!((mean_of_rare(false) - share).abs() < 1e-3);
    assert!(mean_of_rare(true) > 3.0 * share);
}

/// Fits to blocks are fits to what the definition of [`Scaling::Blocks`] makes of the columns, computed here.
#[test]
fn blocks_are_scaled_as_wholes() {
    let (features, labels) = problem(90, 3);
    let lengths = [2, 3, 1];
    let column = |index: usize| features.as_slice().iter().skip(index).step_by(6).map(|&x| f64::from(x));
    let mean = |index: usize| column(index).sum::<f64>() / 90.0;
    let variance = |index: usize| column(index).map(|x| (x - mean(index)).powi(2)).sum::<f64>() / 90.0;
    let mut scales = Vec::new();
    for length in lengths {
        let sum: f64 = (scales.len()..scales.len() + length).map(variance).sum();
        // The last block is the constant column.
        scales.extend(vec![if sum > 1e-9 { 1.0 / (3.0 * sum).sqrt() } else { 0.0 }; length]);
    }
    let scaled = (0..90 * 6).map(|i| ((f64::from(features.as_slice()[i]) - mean(i % 6)) * scales[i % 6]) as f32);
    let scaled = Matrix::new(90, 6, scaled.collect()).unwrap();

    let options = |scaling| FitOptions { scaling, ..FitOptions::new(30.0) };
    let blocks = options(Scaling::Blocks(lengths.to_vec()));
    let found = Head::fit(&features, &labels, 3, &blocks).unwrap().probabilities(&features).unwrap();
    // Blocks whose variances add up to 1 already stay as they are.
    let varying: Vec<f32> = scaled.as_slice().chunks_exact(6).flat_map(|row| row[..5].to_vec()).collect();
    let varying = Matrix::new(90, 5, varying.iter().map(|x| x * 7.0).collect()).unwrap();
    let whole = options(Scaling::Blocks(vec![5]));
    // Two blocks of variance 1/3 each, as one of variance 1: the penalty must be 2/3 of what it was.
    let whole = FitOptions { c: 30.0 * 2.0 / 3.0, ..whole };
    let expected = Head::fit(&varying, &labels, 3, &whole).unwrap().probabilities(&varying).unwrap();
    assert_close(found.as_slice(), expected.as_slice(), 2e-3);
    let columns = Head::fit(&features, &labels, 3, &options(Scaling::Columns)).unwrap();
    let columns = columns.probabilities(&features).unwrap();
    assert!(found.as_slice().iter().zip(columns.as_slice()).any(|(a, b)| (a - b).abs() > 0.01));
}

#[test]
fn blocks_must_make_up_the_columns() {
    let (features, labels) = problem(10, 2);
    for lengths in [vec![], vec![5], vec![3, 4], vec![usize::MAX, 7]] {
        let options = FitOptions { scaling: Scaling::Blocks(lengths), ..FitOptions::new(1.0) };
        let error = Head::fit(&features, &labels, 2, &options).unwrap_err();
        assert!(matches!(error, Error::Length { what: "columns in blocks", expected: 6, .. }));
    }
}

#[test]
fn separable_classes_and_any_strength_converge_to_something_finite() {
    let features = Matrix::new(4, 1, vec![0.0, 1.0, 10.0, 11.0]).unwrap();
    for c in [1e-9, 1.0, 1e9] {
        let head = Head::fit(&features, &[0, 0, 1, 1], 2, &FitOptions::new(c)).unwrap();
        let answers = head.probabilities(&features).unwrap();
        assert!(answers.row(0)[0] >= 0.5 && answers.row(3)[1] >= 0.5, "{answers:?}");
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let data = numbers(2000 * 120, 3);
    let labels: Vec<usize> = data.chunks_exact(120).map(|row| (row[0] * 2.0 + row[1] * 2.0) as usize % 4).collect();
    let features = Matrix::new(2000, 120, data).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Head::fit(&features, &labels, 4, &FitOptions::new(0.1)).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let (features, labels) = problem(10, 2);
    let fit = |labels: &[usize], classes, options: &FitOptions| Head::fit(&features, labels, classes, options);
    let one = FitOptions::new(1.0);
    assert!(matches!(fit(&labels, 1, &one), Err(Error::Labels(_))));
    assert!(matches!(fit(&labels[1..], 2, &one), Err(Error::Length { found: 9, expected: 10, .. })));
    assert!(matches!(fit(&[7; 10], 2, &one), Err(Error::Labels(_))));
    assert!(matches!(fit(&[1; 10], 2, &one), Err(Error::Labels(text)) if text == "class 0 has no example that counts"));
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(fit(&labels, 2, &FitOptions::new(c)), Err(Error::Parameter { name: "c", .. })));
    }
    let weighted = |weights| FitOptions { weights: Some(weights), ..FitOptions::new(1.0) };
    assert!(matches!(fit(&labels, 2, &weighted(vec![1.0; 9])), Err(Error::Length { .. })));
    assert!(matches!(fit(&labels, 2, &weighted(vec![-1.0; 10])), Err(Error::Parameter { .. })));
    assert!(matches!(fit(&labels, 2, &weighted(vec![0.0; 10])), Err(Error::Labels(_))));
    assert!(matches!(Matrix::new(2, 2, vec![1.0; 3]), Err(Error::Length { .. })));
    assert!(matches!(
        Matrix::new(2, 2, vec![1.0, 2.0, f32::NAN, 3.0]),
        Err(Error::NotFinite { row: 1, column: 0, .. })
    ));
    let head = fit(&labels, 2, &one).unwrap();
    assert!(matches!(head.probabilities(&Matrix::new(1, 5, vec![0.0; 5]).unwrap()), Err(Error::Length { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_probabilities(
        data in proptest::collection::vec(-1e6_f32..1e6, 24),
        mut labels in proptest::collection::vec(0_usize..3, 8),
        c in 1e-4_f64..1e4,
    ) {
        labels[..3].copy_from_slice(&[0, 1, 2]);
        let features = Matrix::new(8, 3, data).unwrap();
        let answers = Head::fit(&features, &labels, 3, &FitOptions::new(c)).unwrap().probabilities(&features).unwrap();
        for row in 0..8 {
            prop_assert!((answers.row(row).iter().sum::<f32>() - 1.0).abs() < 1e-5);
            prop_assert!(answers.row(row).iter().all(|share| (0.0..=1.0).contains(share)));
        }
    }
}
