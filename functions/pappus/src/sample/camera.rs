//! What stands between a scene and its file: focus, light, sensor, compression.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use tiny_skia::PremultipliedColorU8;

use super::SampleError;
use super::canvas::Canvas;
use super::noise::Field;

/// Softens a layer as a lens out of focus does: two box filters of `radius` pixels each way, close to a Gaussian of
/// standard deviation 0.8 × `radius`.
pub(super) fn defocus(canvas: &mut Canvas, radius: usize) {
    if radius == 0 {
        return;
    }
    let (width, height) = (canvas.pixmap.width() as usize, canvas.pixmap.height() as usize);
    let mut turned = vec![[0; 4]; width * height];
    let mut pixels: Vec<[u8; 4]> = canvas.pixmap.data().as_chunks::<4>().0.to_vec();
    for _ in 0..2 {
        // Each pass filters rows and writes columns, so that two passes cover both directions.
        box_rows(&pixels, &mut turned, width, radius);
        box_rows(&turned, &mut pixels, height, radius);
    }
    canvas.pixmap.data_mut().copy_from_slice(pixels.as_flattened());
}

/// Filters every row of `from` and writes it as a column of `to`; pixels past an edge repeat the edge.
fn box_rows(from: &[[u8; 4]], to: &mut [[u8; 4]], width: usize, radius: usize) {
    let height = from.len() / width;
    let window = 2 * radius + 1;
    // Rounded division by multiplication; sums stay far below 2^32 / scale for any radius used here.
    let scale = (1 << 22) / window as u32 + 1;
    let mut padded = vec![[0; 4]; width + window];
    for (y, row) in from.chunks_exact(width).enumerate() {
        padded[..radius].fill(row[0]);
        padded[radius..radius + width].copy_from_slice(row);
        padded[radius + width..].fill(row[width - 1]);
        let mut sum = [0_u32; 4];
        for pixel in &padded[..window] {
            sum = std::array::from_fn(|i| sum[i] + u32::from(pixel[i]));
        }
        let column = to[y..].iter_mut().step_by(height);
        for ((target, gone), new) in column.zip(&padded).zip(&padded[window..]) {
            *target = sum.map(|value| ((value * scale) >> 22).min(255) as u8);
            sum = std::array::from_fn(|i| sum[i] + u32::from(new[i]) - u32::from(gone[i]));
        }
    }
}

/// The shade that a layer casts on what lies behind it: its outline in black, `strength` in 0..=1.
pub(super) fn shade(layer: &Canvas, strength: f32, radius: usize) -> Result<Canvas, SampleError> {
    let mut shade = layer.layer()?;
    let strength = (strength * 255.0) as u16;
    for (to, from) in shade.pixmap.pixels_mut().iter_mut().zip(layer.pixmap.pixels()) {
        let alpha = (u16::from(from.alpha()) * strength / 255) as u8;
        // Black is a valid premultiplied colour at any opacity.
        *to = PremultipliedColorU8::from_rgba(0, 0, 0, alpha).unwrap_or(*to);
    }
    defocus(&mut shade, radius);
    Ok(shade)
}

/// How one picture was taken.
struct Exposure {
    /// Gain of each channel: exposure and white balance.
    gain: [f32; 3],
    /// Fall of light across the picture, in x and y, from its middle to its edge.
    slope: [f32; 2],
    /// Loss of light in the corners.
    vignette: f32,
    /// Depth of patches of light and shade.
    dapple: f32,
    /// Contrast about middle grey.
    contrast: f32,
    /// Lift of the shadows, as haze does.
    haze: f32,
    /// Colour saturation.
    saturation: f32,
    /// Standard deviation of the sensor's noise, in levels of 255.
    grain: f32,
}

impl Exposure {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let level = rng.random_range(0.84..1.3);
        let warm = rng.random_range(-0.14..0.14);
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        let fall = rng.random_range(0.0..0.35);
        Self {
            gain: [level * (1.0 + warm), level * rng.random_range(0.96..1.04), level * (1.0 - warm)],
            slope: [fall * angle.cos(), fall * angle.sin()],
            vignette: rng.random_range(0.0..0.22),
            dapple: if rng.random_bool(0.35) { rng.random_range(0.2..0.55) } else { 0.0 },
            contrast: rng.random_range(0.85..1.3),
            haze: rng.random_range(0.0..18.0),
            saturation: rng.random_range(0.6..1.2),
            // Most pictures are clean, a few were taken at dusk.
            grain: 1.0 + 8.0 * rng.random::<f32>().powi(3),
        }
    }
}

/// Takes the picture: light, sensor and JPEG at a random quality.
pub(super) fn develop(canvas: &Canvas, rng: &mut ChaCha8Rng) -> Result<Vec<u8>, SampleError> {
    let (width, height) = (canvas.pixmap.width(), canvas.pixmap.height());
    let rgb = expose(canvas, &Exposure::random(rng), rng);
    let quality = rng.random_range(45..=94);
    let mut jpeg = Vec::with_capacity(rgb.len() / 6);
    JpegEncoder::new_with_quality(&mut jpeg, quality)
        .write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|source| SampleError::Encode { source })?;
    Ok(jpeg)
}

fn expose(canvas: &Canvas, exposure: &Exposure, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (width, height) = (canvas.pixmap.width(), canvas.pixmap.height());
    let cell = canvas.side() / rng.random_range(3.0..7.0);
    let patches = Field::new((width, height), (cell, cell), 2, rng);
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    let rows = canvas.pixmap.pixels().chunks_exact(width as usize);
    for (row, pixels) in (0..height).zip(rows) {
        let y = row as f32 / height as f32 * 2.0 - 1.0;
        for (column, pixel) in (0..width).zip(pixels) {
            let x = column as f32 / width as f32 * 2.0 - 1.0;
            let shadow = (2.5 * patches.get(column, row) - 0.75).clamp(0.0, 1.0);
            let light = (1.0 + x * exposure.slope[0] + y * exposure.slope[1])
                * (1.0 - exposure.vignette * 0.5 * (x * x + y * y))
                * (1.0 - exposure.dapple * shadow);
            let noise = grain(rng).map(|value| value * exposure.grain);
            let scene = [pixel.red(), pixel.green(), pixel.blue()];
            rgb.extend(sense(scene, light, exposure, noise));
        }
    }
    rgb
}

/// One pixel as the sensor and the camera's own processing render it.
fn sense(scene: [u8; 3], light: f32, exposure: &Exposure, noise: [f32; 3]) -> [u8; 3] {
    let lit: [f32; 3] = std::array::from_fn(|i| f32::from(scene[i]) * light * exposure.gain[i]);
    let grey = 0.299 * lit[0] + 0.587 * lit[1] + 0.114 * lit[2];
    std::array::from_fn(|i| {
        let vivid = grey + (lit[i] - grey) * exposure.saturation;
        let value = (vivid - 110.0) * exposure.contrast + 110.0;
        // The cast saturates: 0 below, 255 above.
        (exposure.haze + value * (1.0 - exposure.haze / 255.0) + noise[i]) as u8
    })
}

/// Three nearly normal numbers of unit variance that share half of it, as noise in luma exceeds noise in colour.
fn grain(rng: &mut ChaCha8Rng) -> [f32; 3] {
    // A byte is uniform with standard deviation 73.9; the sum of two is a triangle, close enough to a bell here.
    let [a, b, c, d, e, f, g, h] = rng.next_u64().to_le_bytes().map(|byte| f32::from(byte) - 127.5);
    let shared = a + b;
    [c + d, e + f, g + h].map(|own| (shared + own) / (2.0 * 73.9))
}
