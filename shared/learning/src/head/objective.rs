//! The loss of a softmax classifier on scaled features, and its gradient.

use rayon::prelude::*;

use super::{Scaling, lbfgs};
use crate::Matrix;

/// Rows whose gradients are summed by one worker at the least.
const MIN_CHUNK: usize = 128;
/// The most chunks, so that their partial gradients stay small. Chunks depend on the number of rows alone and are added
/// up in order, so that any number of threads gives the same sum to the last bit.
const MAX_CHUNKS: usize = 64;
/// Multiplications below which threads cost more than they save.
const WORTH_THREADS: usize = 1 << 19;
/// The largest component of the gradient of the mean loss at which a fit is done, for columns of unit variance: a tenth
/// of scikit-learn's.
const TOLERANCE: f64 = 1e-5;

/// Scaled features with labels and weights, to which heads of several strengths can be fitted.
pub(crate) struct Problem {
    features: Matrix,
    labels: Vec<usize>,
    weights: Vec<f64>,
    total_weight: f64,
    mean: Vec<f64>,
    /// 0 for a column that is ignored.
    scale: Vec<f64>,
    /// The root mean square of all scaled features, which gradients are in proportion to.
    magnitude: f64,
    /// The logits that are learned: two classes need only one, the difference of theirs.
    logits: usize,
}

/// Parameters of a fit in the scaled space: for each logit its weights, then its bias.
pub(crate) type Parameters = Vec<f64>;

impl Problem {
    /// Rows of `features` with a label less than `classes` and a weight of at least 0 each, of which one at least is
    /// above 0.
    pub fn new(features: &Matrix, labels: Vec<usize>, weights: Vec<f64>, classes: usize, scaling: &Scaling) -> Self {
        let (mean, scale) = scaling.measure(features);
        let scaled = |(column, &value): (usize, &f32)| ((f64::from(value) - mean[column]) * scale[column]) as f32;
        let cols = features.cols();
        let data: Vec<f32> =
            (0..features.rows()).flat_map(|row| features.row(row).iter().enumerate().map(scaled)).collect();
        let squares: f64 = data.iter().map(|&value| f64::from(value).powi(2)).sum();
        Self {
            magnitude: (squares / data.len().max(1) as f64).sqrt(),
            features: Matrix::from_finite(features.rows(), cols, data),
            labels,
            total_weight: weights.iter().sum(),
            weights,
            mean,
            scale,
            logits: if classes == 2 { 1 } else { classes },
        }
    }

    /// Where a search begins that knows nothing.
    pub fn origin(&self) -> Parameters {
        vec![0.0; self.logits * (self.features.cols() + 1)]
    }

    /// The parameters that minimise the loss Σ weight · cross-entropy + ‖weights‖² / (2 `c`); biases are free.
    pub fn fit(&self, c: f64, start: Parameters) -> Parameters {
        let minimum =
            lbfgs::minimise(start, TOLERANCE * self.magnitude, |point, gradient| self.loss(c, point, gradient));
        if !minimum.converged {
            tracing::warn!(c, rows = self.features.rows(), "the fit of the head stopped before it converged");
        }
        minimum.point
    }

    /// Weights [logits, columns] and biases for features as they come.
    pub fn unscaled(&self, parameters: &Parameters) -> Vec<(Vec<f64>, f64)> {
        let of_logit = |logit: &[f64]| {
            let (weights, bias) = logit.split_at(self.features.cols());
            let raw: Vec<f64> = weights.iter().zip(&self.scale).map(|(weight, scale)| weight * scale).collect();
            let shift: f64 = raw.iter().zip(&self.mean).map(|(weight, mean)| weight * mean).sum();
            (raw, bias[0] - shift)
        };
        parameters.chunks_exact(self.features.cols() + 1).map(of_logit).collect()
    }

    /// The loss divided by the total weight, so that one tolerance suits every number of rows.
    fn loss(&self, c: f64, point: &[f64], gradient: &mut [f64]) -> f64 {
        let rows = self.features.rows();
        let chunk = MIN_CHUNK.max(rows.div_ceil(MAX_CHUNKS));
        let ranges: Vec<_> = (0..rows).step_by(chunk).map(|from| from..(from + chunk).min(rows)).collect();
        let part = |range: &std::ops::Range<usize>| self.partial_loss(range.clone(), point);
        let parts: Vec<(f64, Vec<f64>)> = if rows * point.len() < WORTH_THREADS {
            ranges.iter().map(part).collect()
        } else {
            ranges.par_iter().map(part).collect()
        };

        gradient.fill(0.0);
        let mut loss = 0.0;
        for (part, slopes) in parts {
            loss += part;
            gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope / self.total_weight);
        }
        let strength = (c * self.total_weight).recip();
        let mut norm = 0.0;
        let columns = self.features.cols();
        for (logit, slopes) in point.chunks_exact(columns + 1).zip(gradient.chunks_exact_mut(columns + 1)) {
            for (weight, slope) in logit[..columns].iter().zip(slopes) {
                norm += weight * weight;
                *slope += strength * weight;
            }
        }
        loss / self.total_weight + 0.5 * strength * norm
    }

    /// Loss and gradient summed over some rows.
    fn partial_loss(&self, rows: std::ops::Range<usize>, point: &[f64]) -> (f64, Vec<f64>) {
        let columns = self.features.cols();
        let mut gradient = vec![0.0; point.len()];
        let mut features = vec![0.0; columns];
        let mut logits = vec![0.0; self.logits];
        let mut loss = 0.0;
        for row in rows {
            features.iter_mut().zip(self.features.row(row)).for_each(|(wide, &value)| *wide = f64::from(value));
            for (logit, parameters) in logits.iter_mut().zip(point.chunks_exact(columns + 1)) {
                *logit = dot(&features, &parameters[..columns]) + parameters[columns];
            }
            let (label, weight) = (self.labels[row], self.weights[row]);
            // From here on `logits` holds the derivative of the cross-entropy with respect to each.
            loss += weight * if self.logits == 1 { logistic(&mut logits, label) } else { softmax(&mut logits, label) };
            for (&residual, slopes) in logits.iter().zip(gradient.chunks_exact_mut(columns + 1)) {
                let factor = weight * residual;
                slopes[columns] += factor;
                slopes.iter_mut().zip(&features).for_each(|(slope, x)| *slope += factor * x);
            }
        }
        (loss, gradient)
    }
}

/// The cross-entropy of one logit, that of class 1 against class 0.
fn logistic(logits: &mut [f64], label: usize) -> f64 {
    let logit = logits[0];
    let target = if label == 1 { 1.0 } else { 0.0 };
    // ln(1 + e^x) without overflow.
    let log_sum = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
    logits[0] = (1.0 + (-logit).exp()).recip() - target;
    log_sum - target * logit
}

/// The cross-entropy of as many logits as classes.
fn softmax(logits: &mut [f64], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = logits[label];
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|share| *share /= sum);
    logits[label] -= 1.0;
    largest + sum.ln() - own
}

/// The product of two vectors, in eight sums that the processor can form side by side.
fn dot(features: &[f64], weights: &[f64]) -> f64 {
    let (rows, row_rest) = features.as_chunks::<8>();
    let (columns, column_rest) = weights.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (x, w) in rows.iter().zip(columns) {
        for lane in 0..8 {
            sums[lane] += x[lane] * w[lane];
        }
    }
    let rest: f64 = row_rest.iter().zip(column_rest).map(|(x, w)| x * w).sum();
    sums.iter().sum::<f64>() + rest
}
