//! Pixels to the input size of a network.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

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
    // The typed calls: the untyped ones compile the whole library for thirteen kinds of pixels, for minutes.
    let source = TypedImageRef::<U8x3>::from_buffer(pixels.width, pixels.height, &pixels.rgb);
    let source = source.map_err(|_| impossible())?;
    let mut resized = vec![0; width as usize * height as usize * 3];
    let target = TypedImage::<U8x3>::from_buffer(width, height, &mut resized);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize_typed(&source, &mut target.map_err(|_| impossible())?, &options).map_err(|_| impossible())?;
    Ok(resized)
}
