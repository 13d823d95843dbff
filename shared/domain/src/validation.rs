//! What cross-validation said of each way of learning that a training tried.

/// The ways of learning that a training tried, as cross-validation on the training side saw them.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Folds of each repeat.
    pub folds: usize,
    /// Repeats with other folds.
    pub repeats: usize,
    /// Images on the training side.
    pub images: usize,
    /// Each way, in the order in which they were tried.
    pub curves: Vec<ValidationCurve>,
    /// The way that was kept, an index into the curves.
    pub kept: usize,
}

/// How one way of learning did, by the strength of the penalty.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationCurve {
    /// Its name, for people.
    pub candidate: String,
    /// From the weakest penalty to the strongest.
    pub points: Vec<ValidationPoint>,
}

/// How well one strength of the penalty did on images held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidationPoint {
    /// The penalty λ in `mean loss + λ/2 · ‖weights‖²`, above 0.
    pub lambda: f64,
    /// The share of images classified rightly, 0 to 1.
    pub accuracy: f64,
    /// The standard deviation of that share from fold to fold.
    pub accuracy_deviation: f64,
    /// The mean of −ln(probability of the true class).
    pub log_loss: f64,
    /// The standard deviation of that mean from fold to fold.
    pub log_loss_deviation: f64,
}

impl ValidationCurve {
    /// The point that training chooses: that of the lowest logarithmic loss, the first of equals.
    pub fn best(&self) -> Option<&ValidationPoint> {
        self.points.iter().min_by(|a, b| a.log_loss.total_cmp(&b.log_loss))
    }
}
