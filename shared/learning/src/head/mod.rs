//! The head of a classifier: multinomial logistic regression (softmax) on features.

mod lbfgs;
mod objective;
mod scaling;

use crate::{Error, Matrix};
pub(crate) use objective::{Parameters, Problem};
pub use scaling::Scaling;

/// How a head is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// The inverse strength of the L2 penalty on the weights of scaled features, in the scale of scikit-learn's
    /// `LogisticRegression(C)`: small is strong.
    pub c: f64,
    /// Whether each class counts the same however many examples it has: a row weighs n / (classes · rows of its class).
    pub balanced: bool,
    /// A weight for each row, at least 0, on top of that.
    pub weights: Option<Vec<f64>>,
    /// How features are scaled before they are penalised.
    pub scaling: Scaling,
}

impl FitOptions {
    /// Every row and every column counts the same.
    pub const fn new(c: f64) -> Self {
        Self { c, balanced: false, weights: None, scaling: Scaling::Columns }
    }
}

/// A softmax classifier: probabilities = softmax(weights · features + bias).
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    weights: Matrix,
    bias: Vec<f32>,
}

impl Head {
    /// A head of `weights` (classes × features) and one `bias` for each class.
    ///
    /// # Errors
    /// [`Error::Length`] when the two do not fit, [`Error::Labels`] for less than two classes.
    pub fn new(weights: Matrix, bias: Vec<f32>) -> Result<Self, Error> {
        check_classes(weights.rows())?;
        if bias.len() != weights.rows() {
            return Err(Error::Length { what: "biases", found: bias.len(), expected: weights.rows() });
        }
        Ok(Self { weights, bias })
    }

    /// Fits a head to `features`, one row for each example, with `labels` from 0 to `classes` − 1. The scaling
    /// is folded into the weights. The same input gives the same head to the last bit, whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Length`] when rows, labels and weights differ in number, or blocks do not make up the columns; [`Error::Labels`] for less than two classes, a
    /// label out of range, or a class without a row that counts; [`Error::Parameter`] for a `c` or weight out of range;
    /// [`Error::NotFinite`] when the features are so close together that the weights overflow.
    pub fn fit(features: &Matrix, labels: &[usize], classes: usize, options: &FitOptions) -> Result<Self, Error> {
        check_strength(options.c)?;
        check_labels(labels, features.rows(), classes)?;
        options.scaling.check(features.cols())?;
        let weights = row_weights(labels, classes, options)?;
        let problem = Problem::new(features, labels.to_vec(), weights, classes, &options.scaling);
        Self::of(&problem, &problem.fit(options.c, problem.origin()))
    }

    /// The head that `parameters` are, in terms of features as they come.
    pub(crate) fn of(problem: &Problem, parameters: &Parameters) -> Result<Self, Error> {
        let mut logits = problem.unscaled(parameters);
        if let [(weights, bias)] = &mut logits[..] {
            // Two classes share one logit, the difference of theirs.
            weights.iter_mut().for_each(|weight| *weight /= 2.0);
            *bias /= 2.0;
            let opposite = (weights.iter().map(|weight| -*weight).collect(), -*bias);
            logits.insert(0, opposite);
        }
        let columns = logits.first().map_or(0, |(weights, _)| weights.len());
        let data = logits.iter().flat_map(|(weights, _)| weights).map(|&weight| weight as f32).collect();
        Self::new(Matrix::new(logits.len(), columns, data)?, logits.iter().map(|&(_, bias)| bias as f32).collect())
    }

    /// The weights, [classes, features].
    pub const fn weights(&self) -> &Matrix {
        &self.weights
    }

    /// The biases, one for each class.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The number of classes.
    pub const fn classes(&self) -> usize {
        self.weights.rows()
    }

    /// The probabilities [rows, classes] of the rows of `features`; each row sums to 1.
    ///
    /// # Errors
    /// [`Error::Length`] when the rows have another number of features than the head.
    pub fn probabilities(&self, features: &Matrix) -> Result<Matrix, Error> {
        if features.cols() != self.weights.cols() {
            return Err(Error::Length { what: "features", found: features.cols(), expected: self.weights.cols() });
        }
        let data = (0..features.rows()).flat_map(|row| self.answer(features.row(row))).map(|p| p as f32).collect();
        Ok(Matrix::from_finite(features.rows(), self.classes(), data))
    }

    /// The probabilities of one row, which has as many features as the head.
    pub(crate) fn answer(&self, features: &[f32]) -> Vec<f64> {
        let dot =
            |weights: &[f32]| weights.iter().zip(features).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum::<f64>();
        let logits = self.bias.iter().enumerate().map(|(class, &bias)| dot(self.weights.row(class)) + f64::from(bias));
        let mut shares: Vec<f64> = logits.collect();
        let largest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        shares.iter_mut().for_each(|share| *share = (*share - largest).exp());
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        shares
    }
}

/// The weight of each row.
fn row_weights(labels: &[usize], classes: usize, options: &FitOptions) -> Result<Vec<f64>, Error> {
    let own = options.weights.clone().unwrap_or_else(|| vec![1.0; labels.len()]);
    if own.len() != labels.len() {
        return Err(Error::Length { what: "weights", found: own.len(), expected: labels.len() });
    }
    if let Some(&value) = own.iter().find(|weight| !(0.0..=1e12).contains(*weight)) {
        return Err(Error::Parameter { name: "a weight", value, wanted: "0 to 1e12" });
    }
    let mut counts = vec![0.0; classes];
    labels.iter().zip(&own).for_each(|(&label, weight)| counts[label] += weight);
    if let Some(class) = counts.iter().position(|&count| count <= 0.0) {
        return Err(Error::Labels(format!("class {class} has no example that counts")));
    }
    Ok(if options.balanced { balance(labels, classes, own) } else { own })
}

/// Scales weights so that every class that has rows counts the same, and their number stays what it was.
pub(crate) fn balance(labels: &[usize], classes: usize, mut weights: Vec<f64>) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    labels.iter().for_each(|&label| counts[label] += 1.0);
    let rows = labels.len() as f64;
    labels.iter().zip(&mut weights).for_each(|(&label, weight)| *weight *= rows / (classes as f64 * counts[label]));
    weights
}

pub(crate) fn check_strength(c: f64) -> Result<(), Error> {
    if (1e-9..=1e9).contains(&c) {
        Ok(())
    } else {
        Err(Error::Parameter { name: "c", value: c, wanted: "1e-9 to 1e9" })
    }
}

pub(crate) fn check_labels(labels: &[usize], rows: usize, classes: usize) -> Result<(), Error> {
    check_classes(classes)?;
    if labels.len() != rows {
        return Err(Error::Length { what: "labels", found: labels.len(), expected: rows });
    }
    match labels.iter().find(|&&label| label >= classes) {
        Some(label) => Err(Error::Labels(format!("label {label} where 0 to {} are wanted", classes - 1))),
        None => Ok(()),
    }
}

fn check_classes(classes: usize) -> Result<(), Error> {
    if classes < 2 {
        return Err(Error::Labels(format!("{classes} classes, where two at least are wanted")));
    }
    Ok(())
}
