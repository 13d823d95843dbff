//! The ways of using a network that are worth trying.

use super::{BackboneOptions, Cut, Extractor, Pooling};
use crate::{Error, Scaling};

/// A way of using a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// How it differs from the others.
    pub options: BackboneOptions,
    /// The network used in that way.
    pub extractor: Extractor,
}

impl Variant {
    /// The network used as `options` say.
    ///
    /// # Errors
    /// As [`Extractor::from_network`].
    pub fn new(network: &[u8], options: BackboneOptions) -> Result<Self, Error> {
        Ok(Self { extractor: Extractor::from_network(network, &options)?, options })
    }

    /// For people, such as `192×192 mean` or `224×224 mean and maximum, again at 128×128`.
    pub fn name(&self) -> String {
        let Self { options, extractor } = self;
        let what = match options.cut {
            Cut::Features => "",
            Cut::Scores => " of scores",
            Cut::Both => " of features and scores",
        };
        let pooling = match options.pooling {
            Pooling::Mean => "mean",
            Pooling::MeanMax => "mean and maximum",
        };
        let again = options.second_size.map(|(width, height)| format!(", again at {width}×{height}"));
        format!("{}×{} {pooling}{what}{}", extractor.width, extractor.height, again.unwrap_or_default())
    }

    /// The scaling that suits these features, of which there are `columns`.
    pub fn scaling(&self, columns: usize) -> Scaling {
        let blocks = self.extractor.blocks();
        Scaling::Blocks(if blocks.is_empty() { vec![columns] } else { blocks })
    }
}

/// The ways of using `network` that are worth trying, cheapest first: as `options` say; with the class scores too; and
/// seen a little larger, by the mean and the largest value of each feature, and once more smaller. The first must be
/// possible, of the others what the network does not allow is left out. On the whole each does better than those before
/// it, so one of them should be kept unless it [is clearly below](crate::Score::is_clearly_below).
///
/// Networks do better on images somewhat larger than those they were trained on (H. Touvron et al., "Fixing the train-test
/// resolution discrepancy", 2019).
///
/// # Errors
/// As [`Extractor::from_network`].
pub fn variants(network: &[u8], options: &BackboneOptions) -> Result<Vec<Variant>, Error> {
    let first = Variant::new(network, options.clone())?;
    let (width, height) = (first.extractor.width, first.extractor.height);
    let size = Some((scaled(width, 7, 6), scaled(height, 7, 6)));
    let second_size = Some((scaled(width, 2, 3), scaled(height, 2, 3)));

    let with_scores = BackboneOptions { cut: Cut::Both, ..options.clone() };
    let twice = BackboneOptions { size, second_size, pooling: Pooling::MeanMax, ..options.clone() };
    let others = [with_scores, twice].into_iter().filter_map(|options| Variant::new(network, options).ok());
    Ok(std::iter::once(first).chain(others).collect())
}

/// `side` times `numerator` / `denominator`, to a multiple of 32: by so much most networks reduce their maps.
fn scaled(side: u32, numerator: u32, denominator: u32) -> u32 {
    (side * numerator + 16 * denominator) / (32 * denominator) * 32
}
