//! Features learned from the images themselves: what is learned, and what the graph makes of it.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod common;

use common::{run, runtime};
use pappus_learning::dictionary::{DictionaryOptions, LayerOptions, SIDE, learn};
use pappus_learning::onnx::{Model, floats_of};
use pappus_learning::{Error, Extractor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

const BYTES: usize = SIDE * SIDE * 3;
/// Patches along a side, and the map along a side after both pools.
const PLACES: usize = 59;
const MAP: usize = 13;

/// Coloured waves of random direction and length, with noise.
fn waves(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut image = || {
        let waves: [[f32; 3]; 3] = [(); 3].map(|()| [(); 3].map(|()| rng.random_range(-0.9..0.9)));
        let value = |(index, noise): (usize, f32)| {
            let (x, y, colour) = (index / 3 % SIDE, index / 3 / SIDE, index % 3);
            let [across, down, phase] = waves[colour];
            (128.0 + 90.0 * (across * x as f32 + down * y as f32 + 7.0 * phase).sin() + noise) as u8
        };
        let noise: Vec<f32> = (0..BYTES).map(|_| rng.random_range(-30.0..30.0)).collect();
        noise.into_iter().enumerate().map(value).collect()
    };
    (0..count).map(|_| image()).collect()
}

fn flat(colours: &[[u8; 3]]) -> Vec<Vec<u8>> {
    colours.iter().map(|colour| colour.repeat(SIDE * SIDE)).collect()
}

/// A dictionary that is learned in no time.
fn small() -> DictionaryOptions {
    DictionaryOptions {
        first: LayerOptions { samples: 2_000, atoms: 40, iterations: 3, threshold: 0.5 },
        second: LayerOptions { samples: 1_000, atoms: 60, iterations: 3, threshold: 0.2 },
        components: 20,
        second_images: 6,
    }
}

/// The features of each image; `None` without ONNX Runtime.
fn features(extractor: &Extractor, images: &[Vec<u8>]) -> Option<Vec<Vec<f32>>> {
    assert_eq!((extractor.width, extractor.height), (64, 64));
    let answers = run(runtime()?, &extractor.onnx, &images.concat(), [images.len(), SIDE, SIDE, 3]);
    assert_eq!(answers.len(), 1);
    let (count, width) = (answers[0].shape[0] as usize, answers[0].shape[1] as usize);
    assert_eq!(count, images.len());
    assert!(answers[0].values.iter().all(|value| value.is_finite()));
    Some(answers[0].values.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

#[test]
fn images_options_and_seed_decide_whatever_the_number_of_threads() {
    let images = waves(9, 1);
    let with_threads = |threads: usize, seed: u64| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| learn(&images, &small(), seed).unwrap())
    };
    let one = with_threads(1, 7);
    assert!(one == with_threads(1, 7), "the same twice");
    assert!(one == with_threads(3, 7), "as with more threads");
    assert!(one != with_threads(1, 8), "another seed gives another dictionary");
}

#[test]
fn the_default_dictionary_gives_4800_features_that_tell_images_apart() {
    let images = waves(12, 2);
    let extractor = learn(&images, &DictionaryOptions::default(), 0).unwrap();
    let Some(features) = features(&extractor, &images) else { return };
    for (index, row) in features.iter().enumerate() {
        assert_eq!(row.len(), 4_800);
        assert!(row.iter().any(|&value| value > 0.1), "image {index}");
        assert!(features[..index].iter().all(|other| other != row), "image {index} differs from those before");
    }
}

#[test]
fn three_images_are_enough() {
    let images = waves(3, 3);
    let extractor = learn(&images, &DictionaryOptions::default(), 0).unwrap();
    // No more atoms than the second layer has samples.
    let width = 6 * 3 * MAP * MAP;
    assert_eq!(Learned::read(&extractor).atoms.len() * 6, width);
    let Some(features) = features(&extractor, &images) else { return };
    assert!(features.iter().all(|row| row.len() == width));
}

#[test]
fn no_more_atoms_than_samples() {
    let mut options = small();
    options.first.samples = 5;
    options.second.samples = 4;
    let images = waves(2, 4);
    let extractor = learn(&images, &options, 0).unwrap();
    let learned = Learned::read(&extractor);
    assert_eq!((learned.filters.len(), learned.projection.len(), learned.atoms.len()), (5, 4, 4));
    features(&extractor, &images);
}

#[test]
fn flat_images_give_finite_numbers() {
    let grey = flat(&[[128; 3]]);
    let colours = flat(&[[0; 3], [255; 3], [255, 0, 0], [0, 200, 10]]);
    for images in [&grey, &colours] {
        let extractor = learn(images, &small(), 0).unwrap();
        let Some(of_flat) = features(&extractor, images) else { return };
        assert_eq!(of_flat.len(), images.len());
        features(&extractor, &waves(2, 5));
    }
    let mixed = [waves(4, 6), flat(&[[90, 80, 70]])].concat();
    features(&learn(&mixed, &small(), 0).unwrap(), &mixed);
}

#[test]
fn the_graph_computes_what_its_weights_say() {
    let images = waves(5, 7);
    let extractor = learn(&images, &small(), 0).unwrap();
    let Some(found) = features(&extractor, &images[..1]) else { return };
    let expected = Learned::read(&extractor).features(&images[0]);
    for (feature, (&found, &expected)) in found[0].iter().zip(&expected).enumerate() {
        let difference = (f64::from(found) - expected).abs();
        assert!(difference <= 1e-4 * expected + 1e-6, "feature {feature}: {found} where {expected} is expected");
    }
    assert_eq!(found[0].len(), expected.len());
    let speaking = expected.iter().filter(|&&value| value > 0.01).count();
    assert!(speaking > 50, "{speaking} of {} features say something", expected.len());
}

/// The second layer is learned from what the first one of the graph will answer: if it was learned from anything else,
/// its samples would be neither centred nor white.
#[test]
fn the_second_layer_fits_the_first() {
    let images = waves(5, 8);
    let mut options = small();
    options.second.samples = images.len() * MAP * MAP;
    let extractor = learn(&images, &options, 0).unwrap();
    let learned = Learned::read(&extractor);
    let samples: Vec<Vec<f64>> = images.iter().flat_map(|image| learned.projections(image)).collect();
    let moment = |a: usize, b: usize| samples.iter().map(|z| z[a] * z[b]).sum::<f64>() / (samples.len() - 1) as f64;
    for component in 0..options.components {
        let mean = samples.iter().map(|z| z[component]).sum::<f64>() / samples.len() as f64;
        assert!(mean.abs() < 1e-4, "component {component} has the mean {mean}");
        let variance = moment(component, component);
        assert!((0.01..1.0).contains(&variance), "component {component} has the variance {variance}");
        for other in 0..component {
            let covariance = moment(component, other);
            assert!(covariance.abs() < 1e-4, "components {component} and {other} have the covariance {covariance}");
        }
    }
    // The largest variance e becomes e / (e + 0.01 e), but for a ridge that is nothing against it.
    assert!((moment(0, 0) - 1.0 / 1.01).abs() < 1e-3, "{}", moment(0, 0));
}

#[test]
fn atoms_have_length_one() {
    let extractor = learn(&waves(6, 9), &small(), 0).unwrap();
    for atom in &Learned::read(&extractor).atoms {
        assert!((length(atom) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn images_of_another_size_and_no_images_are_refused() {
    let mut images = waves(2, 10);
    images[1].truncate(BYTES - 3);
    let error = learn(&images, &small(), 0).unwrap_err();
    assert!(matches!(error, Error::Length { found, expected, .. } if found == BYTES - 3 && expected == BYTES));
    images[1] = vec![0; BYTES + 1];
    assert!(matches!(learn(&images, &small(), 0).unwrap_err(), Error::Length { found, .. } if found == BYTES + 1));
    assert!(matches!(learn::<Vec<u8>>(&[], &small(), 0).unwrap_err(), Error::Length { found: 0, expected: 1, .. }));
}

#[test]
fn options_out_of_range_are_refused() {
    let images = waves(1, 11);
    let refused = |change: fn(&mut DictionaryOptions)| {
        let mut options = small();
        change(&mut options);
        let error = learn(&images, &options, 0).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    };
    refused(|options| options.components = 0);
    refused(|options| options.second_images = 0);
    refused(|options| options.first.samples = usize::MAX);
    refused(|options| options.first.atoms = 0);
    refused(|options| options.second.atoms = 1_000_000);
    refused(|options| options.second.iterations = 0);
    refused(|options| options.second.threshold = f32::NAN);
    refused(|options| options.first.threshold = -0.1);
}

/// The numbers in a graph, and what they mean, computed in the plainest way.
struct Learned {
    filters: Vec<Vec<f64>>,
    bias: Vec<f64>,
    projection: Vec<Vec<f64>>,
    shift: Vec<f64>,
    atoms: Vec<Vec<f64>>,
    threshold: f64,
}

impl Learned {
    fn read(extractor: &Extractor) -> Self {
        let model = Model::parse(&extractor.onnx).unwrap();
        let vector = |name: &str| -> Vec<f64> {
            let tensor = model.graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
            floats_of(tensor).unwrap().into_iter().map(f64::from).collect()
        };
        let rows = |name: &str, count: usize| {
            let values = vector(name);
            values.chunks_exact(values.len() / count).map(<[f64]>::to_vec).collect::<Vec<_>>()
        };
        let (bias, shift, threshold) = (vector("bias"), vector("projection_bias"), vector("atoms_bias"));
        Self {
            filters: rows("filters", bias.len()),
            projection: rows("projection", shift.len()),
            atoms: rows("atoms", threshold.len()),
            threshold: -threshold[0],
            bias,
            shift,
        }
    }

    /// The first layer's answers to the patch at (`x`, `y`).
    fn answers(&self, image: &[u8], x: usize, y: usize) -> Vec<f64> {
        let mut patch = Vec::new();
        for colour in 0..3 {
            for row in y..y + 6 {
                patch.extend((x..x + 6).map(|column| f64::from(image[(row * SIDE + column) * 3 + colour])));
            }
        }
        let mean = patch.iter().sum::<f64>() / 108.0;
        let variance = patch.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 108.0;
        let deviation = (variance + 100.0).sqrt();
        self.filters.iter().zip(&self.bias).map(|(w, b)| (dot(w, &patch) / deviation + b).max(0.0)).collect()
    }

    /// The projections z before they are divided by their length, at each of 13 · 13 places.
    fn projections(&self, image: &[u8]) -> Vec<Vec<f64>> {
        let places = (0..PLACES * PLACES).map(|place| self.answers(image, place % PLACES, place / PLACES));
        let pooled = average_pool(&average_pool(&places.collect::<Vec<_>>(), 5, 2), 3, 2);
        let project = |answers: &Vec<f64>| {
            let scale = 1.0 / (length(answers) + 1e-3);
            self.projection.iter().zip(&self.shift).map(|(p, s)| dot(p, answers) * scale + s).collect()
        };
        pooled.iter().map(project).collect()
    }

    fn features(&self, image: &[u8]) -> Vec<f64> {
        let answer = |z: &Vec<f64>| -> Vec<f64> {
            let scale = 1.0 / (length(z) + 1e-6);
            self.atoms.iter().map(|atom| (dot(atom, z) * scale - self.threshold).max(0.0)).collect()
        };
        let answers: Vec<Vec<f64>> = self.projections(image).iter().map(answer).collect();
        let squares: Vec<Vec<f64>> =
            answers.iter().map(|row| row.iter().map(|value| value * value).collect()).collect();
        let root_mean_square = average_pool(&squares, MAP, 1)[0].iter().map(|value| value.sqrt()).collect();
        let mut summaries = vec![average_pool(&answers, MAP, 1)[0].clone(), largest(&answers), root_mean_square];
        summaries.extend([2, 4, 7].map(|window| largest(&average_pool(&answers, window, 1))));
        summaries.concat()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The largest of each channel over all places.
fn largest(map: &[Vec<f64>]) -> Vec<f64> {
    (0..map[0].len()).map(|channel| map.iter().map(|place| place[channel]).fold(0.0, f64::max)).collect()
}

/// Averages windows of `kernel`² places of a square map.
fn average_pool(map: &[Vec<f64>], kernel: usize, stride: usize) -> Vec<Vec<f64>> {
    let side = map.len().isqrt();
    let pooled = (side - kernel) / stride + 1;
    let window = |place: usize| {
        let (top, left) = (place / pooled * stride, place % pooled * stride);
        let mut sum = vec![0.0; map[0].len()];
        for inner in 0..kernel * kernel {
            let values = &map[(top + inner / kernel) * side + left + inner % kernel];
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        sum.into_iter().map(|sum| sum / (kernel * kernel) as f64).collect()
    };
    (0..pooled * pooled).map(window).collect()
}
