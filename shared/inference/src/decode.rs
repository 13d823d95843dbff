//! Bytes to RGB pixels, within limits that are checked before anything is allocated.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};
use pappus_domain::ImageFormat;

use crate::error::ImageError;
use crate::jpeg;

/// The name and version of this step, as package manifests give it: EXIF orientation applied, transparency over
/// white, 8 bits a channel.
pub const DECODE: &str = "rgb8-exif/1";

/// What an image may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes.
    pub bytes: u64,
    /// The least width and height, in pixels.
    pub side: u32,
    /// The most pixels.
    pub pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 10 << 20, side: 32, pixels: 50_000_000 }
    }
}

/// A decoded image, upright.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// The format it came in.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rows from the top, pixels from the left, red, green and blue: `height × width × 3` bytes.
    pub rgb: Vec<u8>,
}

/// Decodes an image. The format is told by the content.
///
/// # Errors
/// [`ImageError`]: the image is refused, and why.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Pixels, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    if bytes.len() as u64 > limits.bytes {
        return Err(ImageError::TooManyBytes { bytes: bytes.len() as u64, limit: limits.bytes });
    }
    let format = sniff(bytes)?;
    // Decoders are other people's code fed with strangers' bytes: a bug of theirs costs one image, not the process.
    catch_unwind(AssertUnwindSafe(|| decode_as(bytes, format, limits))).unwrap_or(Err(ImageError::DecoderFailed))
}

fn sniff(bytes: &[u8]) -> Result<ImageFormat, ImageError> {
    match image::guess_format(bytes).map_err(|_| ImageError::NotAnImage)? {
        image::ImageFormat::Jpeg => Ok(ImageFormat::Jpeg),
        image::ImageFormat::Png => Ok(ImageFormat::Png),
        image::ImageFormat::Bmp => Ok(ImageFormat::Bmp),
        image::ImageFormat::Tiff => Ok(ImageFormat::Tiff),
        image::ImageFormat::WebP => Ok(ImageFormat::WebP),
        image::ImageFormat::Gif => Err(ImageError::UnsupportedFormat("GIF")),
        image::ImageFormat::Avif => Err(ImageError::UnsupportedFormat("AVIF")),
        image::ImageFormat::Ico => Err(ImageError::UnsupportedFormat("ICO")),
        _ => Err(ImageError::NotAnImage),
    }
}

fn decode_as(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Pixels, ImageError> {
    let reader = ImageReader::with_format(Cursor::new(bytes), codec(format));
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if width < limits.side || height < limits.side {
        return Err(ImageError::TooSmall { width, height, limit: limits.side });
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(ImageError::TooManyPixels { width, height, limit: limits.pixels / 1_000_000 });
    }
    // The JPEG decoder fills what is missing with grey and says nothing.
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err(ImageError::Truncated);
    }
    let mut allowed = image::Limits::default();
    // Eight bytes a pixel: 16 bits for each of four channels.
    allowed.max_alloc = Some(limits.pixels * 8 + (16 << 20));
    decoder.set_limits(allowed).map_err(refused)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width(), picture.height());
    Ok(Pixels { format, width, height, rgb: over_white(picture) })
}

const fn codec(format: ImageFormat) -> image::ImageFormat {
    match format {
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Bmp => image::ImageFormat::Bmp,
        ImageFormat::Tiff => image::ImageFormat::Tiff,
        ImageFormat::WebP => image::ImageFormat::WebP,
    }
}

fn refused(error: image::ImageError) -> ImageError {
    match &error {
        image::ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => ImageError::Truncated,
        _ => ImageError::Damaged(error),
    }
}

fn over_white(picture: DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into_raw();
    }
    let rgba = picture.into_rgba8().into_raw();
    let blend = |channel: u8, alpha: u8| {
        let (channel, alpha) = (u32::from(channel), u32::from(alpha));
        // At most 255, so it fits.
        ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let pixels = rgba.chunks_exact(4);
    pixels.flat_map(|p| [blend(p[0], p[3]), blend(p[1], p[3]), blend(p[2], p[3])]).collect()
}
