//! How features are scaled before one penalty is put on the weights of all.

use std::fmt;

use crate::{Error, Matrix};

/// A column whose deviation is less than this part of its mean holds rounding errors.
const CONSTANT: f64 = 1e-6;

/// How features are scaled for a fit, after their mean has been subtracted. The scaling is folded into the weights of the
/// head; it decides what the strength of the penalty means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scaling {
    /// Each column to unit variance, so that each counts the same: for features that are not alike. A constant column is
    /// ignored.
    #[default]
    Columns,
    /// Blocks of so many columns each, one number for each block: to a total variance of 1 / (number of blocks), so that
    /// a row has unit length on average. Within a block the columns keep their proportions: for features that are alike,
    /// of which the ones that hardly vary say little. A constant block is ignored.
    Blocks(Vec<usize>),
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns => f.write_str("columns"),
            Self::Blocks(lengths) => write!(f, "blocks {lengths:?}"),
        }
    }
}

impl Scaling {
    /// Strengths λ of the penalty worth choosing from, in `mean loss + λ/2 · ‖weights of scaled features‖²`. The
    /// [inverse strength](crate::FitOptions::c) for n rows is 1 / (λ · n).
    pub const fn penalties(&self) -> &'static [f64] {
        match self {
            Self::Columns => &[1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
            Self::Blocks(_) => &[1e-5, 3e-5, 1e-4, 3e-4, 1e-3],
        }
    }

    /// Whether it fits features of `columns` columns.
    pub(crate) fn check(&self, columns: usize) -> Result<(), Error> {
        let Self::Blocks(lengths) = self else { return Ok(()) };
        let found = lengths.iter().fold(0_usize, |sum, &length| sum.saturating_add(length));
        if found == columns {
            return Ok(());
        }
        Err(Error::Length { what: "columns in blocks", found, expected: columns })
    }

    /// The mean of each column of `features`, and what it is to be multiplied with: 0 when it is to be ignored.
    pub(super) fn measure(&self, features: &Matrix) -> (Vec<f64>, Vec<f64>) {
        let (mean, variance) = moments(features);
        let scale = match self {
            Self::Columns => {
                variance.iter().zip(&mean).map(|(&variance, mean)| inverse(variance, mean.powi(2))).collect()
            }
            Self::Blocks(lengths) => {
                let mut rest = 0..mean.len();
                let block_scale = |&length: &usize| {
                    let columns: Vec<usize> = rest.by_ref().take(length).collect();
                    let sum = |of: &dyn Fn(usize) -> f64| columns.iter().map(|&column| of(column)).sum::<f64>();
                    let scale = inverse(sum(&|column| variance[column]), sum(&|column| mean[column].powi(2)));
                    std::iter::repeat_n(scale / (lengths.len() as f64).sqrt(), length)
                };
                lengths.iter().flat_map(block_scale).collect()
            }
        };
        (mean, scale)
    }
}

/// 1 / deviation, and 0 where the deviation is nothing but rounding.
fn inverse(variance: f64, square_of_mean: f64) -> f64 {
    let deviation = variance.sqrt();
    if deviation > CONSTANT * square_of_mean.sqrt() && deviation > f64::from(f32::MIN_POSITIVE) {
        deviation.recip()
    } else {
        0.0
    }
}

/// The mean and variance of each column.
fn moments(features: &Matrix) -> (Vec<f64>, Vec<f64>) {
    let rows = features.rows() as f64;
    let mut mean = vec![0.0; features.cols()];
    for row in 0..features.rows() {
        mean.iter_mut().zip(features.row(row)).for_each(|(sum, &value)| *sum += f64::from(value) / rows);
    }
    let mut variance = vec![0.0; features.cols()];
    for row in 0..features.rows() {
        for ((sum, &value), mean) in variance.iter_mut().zip(features.row(row)).zip(&mean) {
            *sum += (f64::from(value) - mean).powi(2) / rows;
        }
    }
    (mean, variance)
}
