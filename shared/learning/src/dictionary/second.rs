//! The second layer: which answers of the first occur together.

use nalgebra::{DMatrix, DVector};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::first::{FirstLayer, MAP};
use super::patches::spread;
use super::{DictionaryOptions, Image, columns, kmeans, whiten};

/// Added to the length of the first layer's answers at a place before they are divided by it.
pub const ANSWERS_FLOOR: f32 = 1e-3;
/// Added to the length of the projection before it is divided by it.
pub const PROJECTION_FLOOR: f32 = 1e-6;
/// Added to the variances when answers are whitened, as a part of the largest.
const RIDGE: f64 = 0.01;

/// With q the first layer's answers at a place divided by their length, and z = `projection` · q + `shift` divided by
/// its length, the answer of atom k is max(0, `atoms`ₖ · z − `threshold`).
pub struct SecondLayer {
    /// [components, atoms of the first layer].
    pub projection: DMatrix<f32>,
    /// One for each component.
    pub shift: DVector<f32>,
    /// [components, atoms].
    pub atoms: DMatrix<f32>,
    /// What is subtracted from the product of an atom.
    pub threshold: f32,
}

impl SecondLayer {
    /// Learns from what `first` makes of `images`, of which there must be one.
    pub fn learn(first: &FirstLayer, images: &[&Image], options: &DictionaryOptions, rng: &mut ChaCha8Rng) -> Self {
        let mut answers = sample(first, images, options, rng);
        columns::normalise(&mut answers, ANSWERS_FLOOR);
        let mean = columns::centre(&mut answers);
        let components = options.components.min(answers.ncols());
        let projection = whiten::pca(columns::covariance(&answers), RIDGE, components);
        let mut samples = columns::product(&projection, &answers);
        columns::normalise(&mut samples, PROJECTION_FLOOR);

        let count = options.second.atoms.min(samples.ncols());
        let origins = index::sample(rng, samples.ncols(), count).into_vec();
        let atoms = samples.select_columns(&origins);
        let atoms = kmeans::refine(&samples, atoms, kmeans::Kind::Plain, options.second.iterations);
        let shift = -(&projection * mean);
        Self { projection, shift, atoms, threshold: options.second.threshold }
    }
}

/// The answers of the first layer at random places, [atoms, n], spread evenly over images chosen at random.
fn sample(first: &FirstLayer, images: &[&Image], options: &DictionaryOptions, rng: &mut ChaCha8Rng) -> DMatrix<f32> {
    let chosen = index::sample(rng, images.len(), options.second_images.min(images.len())).into_vec();
    let places = spread(options.second.samples, chosen.len(), MAP * MAP, rng);
    let taken = chosen.par_iter().zip(&places).map(|(&image, places)| {
        let map = first.pooled(images[image]);
        map.select_columns(places)
    });
    let atoms = first.bias.len();
    let values = taken.collect::<Vec<_>>().iter().flat_map(|taken| taken.as_slice()).copied().collect::<Vec<f32>>();
    DMatrix::from_vec(atoms, values.len() / atoms, values)
}
