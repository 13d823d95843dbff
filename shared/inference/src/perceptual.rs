//! The perceptual hash of a picture.

use fast_image_resize::FilterType;
use pappus_domain::PerceptualHash;

use crate::decode::Pixels;
use crate::error::Error;
use crate::resize::stretch;

/// The difference hash that [`PerceptualHash`] defines: the picture is averaged down to 9×8 pixels, and each bit
/// compares the brightness (ITU-R BT.601) of two neighbours in a row.
///
/// # Errors
/// [`Error::WrongNetwork`] for a picture without pixels, which [`crate::decode`] never gives.
pub fn perceptual_hash(pixels: &Pixels) -> Result<PerceptualHash, Error> {
    let small = stretch(pixels, 9, 8, FilterType::Box)?;
    let grey: Vec<u32> =
        small.chunks_exact(3).map(|p| 299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2])).collect();
    let bits = grey.chunks_exact(9).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0]));
    Ok(PerceptualHash(bits.enumerate().fold(0, |hash, (at, brighter)| hash | u64::from(brighter) << at)))
}
