//! How a dictionary is learned.

use crate::Error;

/// How a layer is learned.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerOptions {
    /// The number of samples it is learned from; fewer where the images hold fewer.
    pub samples: usize,
    /// The number of atoms; fewer where there are fewer samples.
    pub atoms: usize,
    /// The number of rounds of k-means.
    pub iterations: usize,
    /// What is subtracted from the answer of an atom; below it, the answer is 0.
    pub threshold: f32,
}

/// How a dictionary is learned. The default was tuned on some hundred photographs from the web.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryOptions {
    /// The layer that sees patches of pixels.
    pub first: LayerOptions,
    /// The layer that sees the answers of the first.
    pub second: LayerOptions,
    /// The number of principal components of the first layer's answers that the second sees.
    pub components: usize,
    /// The number of images that the second layer is learned from, so that time does not grow with their number.
    pub second_images: usize,
}

impl Default for DictionaryOptions {
    fn default() -> Self {
        Self {
            first: LayerOptions { samples: 32_000, atoms: 400, iterations: 10, threshold: 0.5 },
            second: LayerOptions { samples: 20_000, atoms: 800, iterations: 8, threshold: 0.2 },
            components: 150,
            second_images: 512,
        }
    }
}

impl DictionaryOptions {
    /// Bounds that keep time and memory within what one machine has.
    pub(super) fn check(&self) -> Result<(), Error> {
        ATOMS.check("the number of components", self.components)?;
        SAMPLES.check("the number of images of the second layer", self.second_images)?;
        [&self.first, &self.second].into_iter().try_for_each(LayerOptions::check)
    }
}

impl LayerOptions {
    fn check(&self) -> Result<(), Error> {
        SAMPLES.check("the number of samples", self.samples)?;
        ATOMS.check("the number of atoms", self.atoms)?;
        ITERATIONS.check("the number of rounds of k-means", self.iterations)?;
        if (0.0..=1e3).contains(&self.threshold) {
            return Ok(());
        }
        Err(Error::Parameter { name: "the threshold", value: self.threshold.into(), wanted: "0 to 1000" })
    }
}

/// How large a number may be, also in words.
struct Bound {
    most: usize,
    wanted: &'static str,
}

const SAMPLES: Bound = Bound { most: 100_000, wanted: "1 to 100000" };
const ATOMS: Bound = Bound { most: 2_048, wanted: "1 to 2048" };
const ITERATIONS: Bound = Bound { most: 1_000, wanted: "1 to 1000" };

impl Bound {
    fn check(&self, name: &'static str, count: usize) -> Result<(), Error> {
        if (1..=self.most).contains(&count) {
            return Ok(());
        }
        Err(Error::Parameter { name, value: count as f64, wanted: self.wanted })
    }
}
