//! Features learned from the images themselves, where there is no backbone.
//!
//! Two layers of k-means, after A. Coates and A. Ng, "Learning feature representations with k-means" (2012). The first
//! layer learns what patches of 6×6 pixels look like, the second which answers of the first occur together; the
//! features say how often, how strongly and how densely each atom of the second layer answers. No labels are looked at.
//!
//! Out comes a graph of the same kind as from a backbone: `image`, uint8 [n, 64, 64, 3] in RGB, to `features`,
//! float32 [n, 6 · atoms of the second layer].

mod columns;
mod first;
mod graph;
mod kmeans;
mod options;
mod patches;
mod second;
mod whiten;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{Error, Extractor};
use first::FirstLayer;
pub use options::{DictionaryOptions, LayerOptions};
use second::SecondLayer;

/// The side of the images in pixels.
pub const SIDE: usize = 64;

/// The pixels of an image, row by row in RGB.
type Image = [u8; SIDE * SIDE * 3];

/// Learns an extractor from `images`, each 64·64·3 bytes in RGB, row by row. The same images, options and seed give the
/// same extractor to the last bit, whatever the number of threads (on processors with the same vector instructions;
/// others round differently). Time and memory hardly grow with the number of images.
///
/// The features are 6 for each atom of the second layer; fewer than five images give fewer atoms than the default asks.
///
/// # Errors
/// [`Error::Length`] when there is no image, or one of another size; [`Error::Parameter`] for an option out of range.
pub fn learn<I: AsRef<[u8]>>(images: &[I], options: &DictionaryOptions, seed: u64) -> Result<Extractor, Error> {
    options.check()?;
    if images.is_empty() {
        return Err(Error::Length { what: "images to learn from", found: 0, expected: 1 });
    }
    let images = images.iter().map(|image| sized(image.as_ref())).collect::<Result<Vec<_>, _>>()?;

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let first = FirstLayer::learn(&images, &options.first, &mut rng);
    let second = SecondLayer::learn(&first, &images, options, &mut rng);
    let side = SIDE as u32;
    Ok(Extractor { onnx: graph::build(&first, &second).into_bytes(), width: side, height: side })
}

fn sized(image: &[u8]) -> Result<&Image, Error> {
    let wrong = |_| Error::Length {
        what: "bytes of an image of 64×64 pixels",
        found: image.len(),
        expected: size_of::<Image>(),
    };
    image.try_into().map_err(wrong)
}
