//! Composes a picture: what lies behind, what lies about, the plant, what stands before it, and the camera.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Transform;

use super::SampleError;
use super::canvas::Canvas;
use super::palette::Palette;
use super::plants::Species;
use super::{background, camera, clutter};

/// Bounds of the sides of a picture, in pixels.
const SHORT_SIDE: std::ops::RangeInclusive<f32> = 180.0..=280.0;
const LONG_SIDE: f32 = 400.0;

/// Draws, takes and encodes one picture.
pub(super) fn picture(species: &Species, rng: &mut ChaCha8Rng) -> Result<Vec<u8>, SampleError> {
    let (width, height) = size(rng);
    let palette = Palette::random(rng, &species.natural);
    let mut picture = Canvas::new(width, height)?;
    let side = picture.side();

    background::paint(&mut picture, rng, &palette);
    clutter::scatter(&mut picture, rng, &palette);
    let depth = rng.random_range(0.0..0.018_f32);
    camera::defocus(&mut picture, (side * depth) as usize);

    let mut subject = picture.layer()?;
    subject.frame = tilt(&subject, rng);
    (species.paint)(&mut subject, rng, &palette);
    if rng.random_bool(0.6) {
        let fall = side * rng.random_range(0.008..0.04);
        let shade = camera::shade(&subject, rng.random_range(0.25..0.6), (fall * 0.5) as usize)?;
        let sideways = fall * rng.random_range(-1.0..1.0);
        picture.lay(&shade, sideways as i32, fall as i32);
    }
    picture.lay(&subject, 0, 0);

    if rng.random_bool(0.22) {
        let mut front = picture.layer()?;
        clutter::occlude(&mut front, rng, &palette);
        camera::defocus(&mut front, (side * rng.random_range(0.012..0.035)) as usize);
        picture.lay(&front, 0, 0);
    }
    if rng.random_bool(0.2) {
        camera::defocus(&mut picture, 1);
    }
    camera::develop(&picture, rng)
}

/// Width and height: common shapes of photographs, upright or not.
fn size(rng: &mut ChaCha8Rng) -> (u32, u32) {
    let short = rng.random_range(SHORT_SIDE);
    let aspect = match rng.random_range(0..4) {
        0 => 1.0,
        1 => 4.0 / 3.0,
        2 => 3.0 / 2.0,
        _ => rng.random_range(1.0..1.7),
    };
    let long = (short * aspect).min(LONG_SIDE);
    if rng.random_bool(0.62) { (long as u32, short as u32) } else { (short as u32, long as u32) }
}

/// The camera is seldom held level: a turn about the middle, sometimes mirrored.
fn tilt(canvas: &Canvas, rng: &mut ChaCha8Rng) -> Transform {
    let (x, y) = (canvas.width() / 2.0, canvas.height() / 2.0);
    let mirror = if rng.random_bool(0.5) { -1.0 } else { 1.0 };
    Transform::from_translate(-x, -y)
        .post_scale(mirror, 1.0)
        .post_rotate(rng.random_range(-22.0..22.0))
        .post_translate(x, y)
}
