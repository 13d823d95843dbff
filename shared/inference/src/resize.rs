//! Pixels to the input size of a network.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::decode::Pixels;
use crate::error::Error;

/// The name and version of this step, as package manifests give it: both sides stretched to the size, bilinear with
/// support scaled to the reduction (what Pillow calls BILINEAR).
pub const RESIZE: &str = "stretch-bilinear/1";

/// Resizes to `width × height`: rows from the top, red, green and blue, `height × width × 3` bytes.
///
/// # Errors
/// [`Error::WrongNetwork`] for a size of zero.
pub fn resize(pixels: &Pixels, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    stretch(pixels, width, height, FilterType::Bilinear)
}

pub(crate) fn stretch(pixels: &Pixels, width: u32, height: u32, filter: FilterType) -> Result<Vec<u8>, Error> {
    let impossible = || Error::WrongNetwork(format!("an image cannot be resized to {width}×{height} pixels"));
    // Without pixels the library would make black of nothing.
    if width == 0 || height == 0 || pixels.rgb.is_empty() {
        return Err(impossible());
    }
    let source = ImageRef::new(pixels.width, pixels.height, &pixels.rgb, PixelType::U8x3).map_err(|_| impossible())?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize(&source, &mut target, &options).map_err(|_| impossible())?;
    Ok(target.into_vec())
}
