//! The first layer: from pixels to a map of how strongly each atom answers where.

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::patches::{PATCH_VALUES, PLACES, spread, write_patch};
use super::{Image, LayerOptions, columns, kmeans, whiten};

/// Added to the variances when patches are whitened.
const RIDGE: f64 = 0.1;

/// The two average pools that follow: kernel and stride.
pub const POOLS: [(usize, usize); 2] = [(5, 2), (3, 2)];
/// The side of the map after them.
pub const MAP: usize = 13;
/// The two pools in a row, along one axis, are one weighted average of nine places, four apart.
const TAPS: [f32; 9] = [1.0, 1.0, 2.0, 2.0, 3.0, 2.0, 2.0, 1.0, 1.0];
const TAPS_SUM: f32 = 15.0;
const TAPS_STRIDE: usize = 4;
/// The rows and columns of places that the pools reach.
const REACHED: usize = (MAP - 1) * TAPS_STRIDE + TAPS.len();
const _: () = assert!(REACHED <= PLACES);

/// The answer of atom k to a patch is max(0, `filters`ₖ · patch / √(variance of the patch + floor) + `bias`ₖ).
pub struct FirstLayer {
    /// [108, atoms], the values of a patch in the order colour, row, column. Each column adds up to 0, so that the mean
    /// of a patch need not be subtracted.
    pub filters: DMatrix<f32>,
    /// One for each atom.
    pub bias: DVector<f32>,
}

impl FirstLayer {
    /// Learns from patches of `images`, of which there must be one.
    pub fn learn(images: &[&Image], options: &LayerOptions, rng: &mut ChaCha8Rng) -> Self {
        let mut patches = sample(images, options.samples, rng);
        let mean = columns::centre(&mut patches);
        let whitening = whiten::zca(columns::covariance(&patches), RIDGE);
        let patches = columns::product(&whitening, &patches);

        let count = options.atoms.min(patches.ncols());
        let mut atoms = DMatrix::from_fn(PATCH_VALUES, count, |_, _| StandardNormal.sample(rng));
        columns::normalise(&mut atoms, 0.0);
        let atoms = kmeans::refine(&patches, atoms, kmeans::Kind::SignedDamped, options.iterations);

        let mut filters = whitening * atoms;
        let bias = filters.tr_mul(&mean).map(|product| -product - options.threshold);
        for mut filter in filters.column_iter_mut() {
            filter.add_scalar_mut(-filter.mean());
        }
        Self { filters, bias }
    }

    /// The answers after both pools, [atoms, 13 · 13] with places row by row.
    pub fn pooled(&self, image: &Image) -> DMatrix<f32> {
        let filters = self.filters.transpose();
        let mut patches = DMatrix::zeros(PATCH_VALUES, REACHED);
        let mut answers = DMatrix::zeros(self.bias.len(), REACHED);
        let mut map = DMatrix::zeros(self.bias.len(), MAP * MAP);
        for y in 0..REACHED {
            for (x, patch) in patches.as_mut_slice().as_chunks_mut().0.iter_mut().enumerate() {
                write_patch(image, x, y, patch);
            }
            filters.mul_to(&patches, &mut answers);
            for mut answer in answers.column_iter_mut() {
                answer.zip_apply(&self.bias, |product, bias| *product = (*product + bias).max(0.0));
            }
            let row = pool_row(&answers);
            for out in 0..MAP {
                let Some(weight) = y.checked_sub(out * TAPS_STRIDE).and_then(|tap| TAPS.get(tap)) else { continue };
                map.columns_mut(out * MAP, MAP).zip_apply(&row, |sum, value| *sum += weight / TAPS_SUM * value);
            }
        }
        map
    }
}

/// Pools a row of answers along the row: [atoms, 13] from [atoms, 57].
fn pool_row(answers: &DMatrix<f32>) -> DMatrix<f32> {
    let mut row = DMatrix::zeros(answers.nrows(), MAP);
    for (out, mut pooled) in row.column_iter_mut().enumerate() {
        for (tap, weight) in TAPS.iter().enumerate() {
            pooled.axpy(weight / TAPS_SUM, &answers.column(out * TAPS_STRIDE + tap), 1.0);
        }
    }
    row
}

/// Patches from random places, [108, n], spread evenly over the images.
fn sample(images: &[&Image], count: usize, rng: &mut ChaCha8Rng) -> DMatrix<f32> {
    let places = spread(count, images.len(), PLACES * PLACES, rng);
    let mut patches = DMatrix::zeros(PATCH_VALUES, places.iter().map(Vec::len).sum());
    let chosen = images.iter().zip(&places).flat_map(|(image, places)| places.iter().map(move |place| (image, place)));
    for (patch, (image, place)) in patches.as_mut_slice().as_chunks_mut().0.iter_mut().zip(chosen) {
        write_patch(image, place % PLACES, place / PLACES, patch);
    }
    patches
}
