//! Arithmetic on many samples, one in each column of a matrix.
//!
//! Samples are divided into blocks of a fixed size, and what is computed of the blocks is put together in their order,
//! so that any number of threads gives the same result to the last bit.

use nalgebra::{DMatrix, DMatrixView, DVector};
use rayon::prelude::*;

/// Samples that one thread takes at a time: enough for a fast product, few enough that results stay in its cache.
const BLOCK: usize = 256;
/// Columns of a covariance that one thread computes at a time.
const COVARIANCE_BLOCK: usize = 64;

/// The blocks of columns of `matrix`, which has at least one row.
fn blocks(matrix: &DMatrix<f32>) -> impl IndexedParallelIterator<Item = DMatrixView<'_, f32>> {
    let rows = matrix.nrows();
    let block = move |values| view(values, rows);
    matrix.as_slice().par_chunks(BLOCK * rows).map(block)
}

fn view(values: &[f32], rows: usize) -> DMatrixView<'_, f32> {
    DMatrixView::from_slice(values, rows, values.len() / rows)
}

/// `left` · `right`.
pub fn product(left: &DMatrix<f32>, right: &DMatrix<f32>) -> DMatrix<f32> {
    let mut result = DMatrix::zeros(left.nrows(), right.ncols());
    let outputs = result.as_mut_slice().par_chunks_mut(BLOCK * left.nrows());
    blocks(right).zip(outputs).for_each(|(block, output)| output.copy_from_slice((left * block).as_slice()));
    result
}

/// What `summarise` makes of each column of `left` · `right`, in order. The product itself is never held as a whole.
pub fn map_product<T: Send>(
    left: &DMatrix<f32>,
    right: &DMatrix<f32>,
    summarise: impl Fn(&[f32]) -> T + Sync,
) -> Vec<T> {
    let of_block = |block: DMatrixView<f32>| {
        let product: DMatrix<f32> = left * block;
        product.as_slice().chunks_exact(left.nrows()).map(&summarise).collect::<Vec<_>>()
    };
    blocks(right).map(of_block).collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Subtracts the mean from every column, and returns it. There must be a column.
pub fn centre(samples: &mut DMatrix<f32>) -> DVector<f32> {
    let sums: Vec<DVector<f64>> = blocks(samples).map(|block| block.column_sum().cast()).collect();
    let mean = (sums.into_iter().sum::<DVector<f64>>() / samples.ncols() as f64).cast::<f32>();
    samples.as_mut_slice().par_chunks_mut(mean.len()).for_each(|sample| subtract(sample, mean.as_slice()));
    mean
}

fn subtract(sample: &mut [f32], mean: &[f32]) {
    sample.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
}

/// The covariance of samples whose mean is 0.
pub fn covariance(samples: &DMatrix<f32>) -> DMatrix<f64> {
    let dimension = samples.nrows();
    let mut products = DMatrix::<f32>::zeros(dimension, dimension);
    let outputs = products.as_mut_slice().par_chunks_mut(COVARIANCE_BLOCK * dimension);
    outputs.enumerate().for_each(|(block, output)| {
        let rows = samples.rows(block * COVARIANCE_BLOCK, output.len() / dimension);
        output.copy_from_slice((samples * rows.transpose()).as_slice());
    });
    products.cast::<f64>() / samples.ncols().saturating_sub(1).max(1) as f64
}

/// Divides every column by its length + `floor`.
pub fn normalise(samples: &mut DMatrix<f32>, floor: f32) {
    let rows = samples.nrows();
    samples.as_mut_slice().par_chunks_mut(rows).for_each(|sample| {
        let length = view(sample, rows).norm() + floor;
        sample.iter_mut().for_each(|value| *value /= length);
    });
}
