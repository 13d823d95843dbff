//! Patches of images, their contrast made equal; and where samples are taken.

use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::{Image, SIDE};

/// The side of a patch in pixels.
pub const PATCH: usize = 6;
/// The numbers in a patch, in the order colour, row, column.
pub const PATCH_VALUES: usize = 3 * PATCH * PATCH;
/// The patches along each side of an image.
pub const PLACES: usize = SIDE - PATCH + 1;
/// Added to the variance of a patch (pixels are 0 to 255), so that noise in a flat one is not blown up.
pub const CONTRAST_FLOOR: f32 = 100.0;

/// Writes the patch whose upper left corner is at (`x`, `y`): less its mean, divided by √(variance + floor).
pub fn write_patch(image: &Image, x: usize, y: usize, patch: &mut [f32; PATCH_VALUES]) {
    let mut bytes = [0_u8; PATCH_VALUES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let (colour, row, column) = (index / (PATCH * PATCH), index / PATCH % PATCH, index % PATCH);
        *byte = image[((y + row) * SIDE + x + column) * 3 + colour];
    }
    // Whole numbers make both moments exact.
    let sum: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
    let squares: u32 = bytes.iter().map(|&byte| u32::from(byte) * u32::from(byte)).sum();
    let count = PATCH_VALUES as u32;
    let variance = (count * squares - sum * sum) as f32 / (count * count) as f32;
    let mean = sum as f32 / count as f32;
    let scale = (variance + CONTRAST_FLOOR).sqrt().recip();
    for (value, byte) in patch.iter_mut().zip(bytes) {
        *value = (f32::from(byte) - mean) * scale;
    }
}

/// Spreads `total` samples evenly over `images` of `places` each: for each image its places, chosen at random and none
/// twice. Fewer than `total` when there are fewer places.
pub fn spread(total: usize, images: usize, places: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let total = total.min(images * places);
    let until = |image: usize| image * total / images;
    (0..images).map(|image| index::sample(rng, places, until(image + 1) - until(image)).into_vec()).collect()
}
