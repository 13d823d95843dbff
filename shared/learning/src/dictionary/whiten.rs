//! Whitening: linear maps after which samples vary alike in all directions.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// V · diag(1/√(e + `ridge`)) · Vᵀ with the eigenvalues e and eigenvectors V of `covariance` (ZCA): of all maps that
/// whiten the one that changes samples least.
pub fn zca(covariance: DMatrix<f64>, ridge: f64) -> DMatrix<f32> {
    let Spectrum { values, vectors } = Spectrum::of(covariance, ridge);
    let scaled = &vectors * DMatrix::from_diagonal(&values.map(|value| value.sqrt().recip()));
    (scaled * vectors.transpose()).cast()
}

/// A ridge that is nothing against the variance of samples of length 1, and more than rounding errors.
const LEAST_RIDGE: f64 = 1e-6;

/// The `count` principal components as rows, each divided by √(e + `ridge` · largest e), where e are the eigenvalues.
pub fn pca(covariance: DMatrix<f64>, ridge: f64, count: usize) -> DMatrix<f32> {
    let Spectrum { values, vectors } = Spectrum::of(covariance, LEAST_RIDGE);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(count);
    let floor = ridge * values.max();
    let components = order.iter().map(|&index| vectors.column(index).transpose() / (values[index] + floor).sqrt());
    DMatrix::from_rows(&components.collect::<Vec<_>>()).cast()
}

/// The eigenvalues, and in the columns the eigenvectors, of a covariance + `ridge` · identity; a ridge above 0 keeps
/// the values above 0, and lets the iteration settle at once where samples do not vary at all.
struct Spectrum {
    values: DVector<f64>,
    vectors: DMatrix<f64>,
}

impl Spectrum {
    fn of(mut covariance: DMatrix<f64>, ridge: f64) -> Self {
        for index in 0..covariance.nrows() {
            covariance[(index, index)] += ridge;
        }
        let eigen = SymmetricEigen::new(covariance);
        // Rounding may leave a value below the ridge, never so far that it matters.
        Self { values: eigen.eigenvalues.map(|value| value.max(ridge)), vectors: eigen.eigenvectors }
    }
}
