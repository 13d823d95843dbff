//! The mistakes that a model is surest of: the first to look at, in the images and in their labels.

use super::Answer;

/// An answer that is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// Which of the answers.
    pub answer: usize,
    /// The true class, an index into the classes.
    pub truth: usize,
    /// The class that was answered.
    pub answered: usize,
    /// The probability of the class that was answered, 0 to 1.
    pub probability: f64,
}

impl Mistake {
    /// The wrong ones among `answers`, the surest first, in their order where equally sure; at most `limit`.
    pub fn surest(answers: &[Answer], limit: usize) -> Vec<Self> {
        let wrong = answers.iter().enumerate().filter(|(_, answer)| !answer.is_right());
        let mut mistakes: Vec<Self> = wrong
            .map(|(index, answer)| {
                let answered = answer.class();
                Self { answer: index, truth: answer.truth, answered, probability: answer.probability(answered) }
            })
            .collect();
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(limit);
        mistakes
    }
}
