//! Pixels of a sheet, and their PNG.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};

use crate::error::Error;
use crate::sheet::{Picture, SCALE};

/// Pixels, not yet a PNG.
pub(crate) struct Bitmap {
    width: u32,
    rgb: Vec<u8>,
}

impl Bitmap {
    /// Rows of so many pixels, from the top, three bytes each.
    pub(crate) const fn new(width: u32, rgb: Vec<u8>) -> Self {
        Self { width, rgb }
    }

    /// The bitmap with a pixel for each four.
    pub(crate) fn halved(&self) -> Self {
        let row = self.width as usize * 3;
        let mut rgb = Vec::with_capacity(self.rgb.len() / 4);
        for rows in self.rgb.chunks_exact(2 * row) {
            let (upper, lower) = rows.split_at(row);
            for (upper, lower) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
                let mean = |channel: usize| {
                    let four = [upper[channel], upper[channel + 3], lower[channel], lower[channel + 3]];
                    // At most 255, so it fits.
                    ((four.into_iter().map(u16::from).sum::<u16>() + 2) / 4) as u8
                };
                rgb.extend([mean(0), mean(1), mean(2)]);
            }
        }
        Self { width: self.width / 2, rgb }
    }

    /// The bitmap with pictures on it, as far as they are inside.
    pub(crate) fn with(mut self, pictures: &[Picture<'_>]) -> Self {
        let row = self.width as usize * 3;
        for Picture { at, thumbnail } in pictures {
            let (left, top) = ((at.0 * SCALE) as usize * 3, (at.1 * SCALE) as usize);
            let lines = thumbnail.rgb.chunks_exact(thumbnail.width.max(1) as usize * 3);
            for (line, target) in lines.zip(self.rgb.chunks_exact_mut(row).skip(top)) {
                if let Some(place) = target.get_mut(left..left + line.len()) {
                    place.copy_from_slice(line);
                }
            }
        }
        self
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut png = Vec::new();
        let height = self.rgb.len() as u32 / (self.width * 3).max(1);
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
        encoder.write_image(&self.rgb, self.width, height, ExtendedColorType::Rgb8)?;
        Ok(png)
    }
}
