//! Grounds for a plant to stand before: soil, lawn, sky, pebbles, boards, litter, lights out of focus.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{PathBuilder, PremultipliedColorU8};

use super::canvas::{Canvas, at, blade, curve, ellipse, polar};
use super::noise::Field;
use super::palette::{Colour, Palette};

/// A way to fill a canvas from edge to edge.
type Ground = fn(&mut Canvas, &mut ChaCha8Rng, &Palette);

const GROUNDS: [Ground; 7] = [soil, lawn, sky, pebbles, boards, litter, lights];

/// Covers the canvas with one of the grounds.
pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let ground = GROUNDS[rng.random_range(0..GROUNDS.len())];
    ground(canvas, rng, palette);
}

/// Sets every pixel to its place between the shade (0), the middle (½) and the light (1) of the ground.
fn tint(canvas: &mut Canvas, ground: &[Colour; 3], mut level: impl FnMut(u32, u32) -> f32) {
    let [dark, middle, light] = *ground;
    let ramp: Vec<PremultipliedColorU8> = (0..=255)
        .map(|step| {
            let share = step as f32 / 127.5;
            let colour = if share < 1.0 { dark.mix(middle, share) } else { middle.mix(light, share - 1.0) };
            let [r, g, b] = [colour.r, colour.g, colour.b].map(|v| (v * 255.0) as u8);
            tiny_skia::ColorU8::from_rgba(r, g, b, 255).premultiply()
        })
        .collect();
    let width = canvas.pixmap.width();
    let rows = canvas.pixmap.pixels_mut().chunks_exact_mut(width as usize);
    for (y, row) in (0..).zip(rows) {
        for (x, pixel) in (0..).zip(row) {
            // The cast saturates at both ends of the ramp.
            *pixel = ramp[(level(x, y) * 255.0) as u8 as usize];
        }
    }
}

fn size(canvas: &Canvas) -> (u32, u32) {
    (canvas.pixmap.width(), canvas.pixmap.height())
}

/// A point anywhere on the canvas.
fn anywhere(canvas: &Canvas, rng: &mut ChaCha8Rng) -> tiny_skia::Point {
    at(rng.random_range(0.0..canvas.width()), rng.random_range(0.0..canvas.height()))
}

/// Crumbs of earth: noise at every scale, with grit.
fn soil(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let cell = canvas.side() * rng.random_range(0.08..0.3);
    let lumps = Field::new(size(canvas), (cell, cell), 5, rng);
    tint(canvas, &palette.ground, |x, y| 0.5 + (lumps.get(x, y) - 0.5) * 1.9 + rng.random_range(-0.08..0.08));
}

/// Short turf seen from above.
fn lawn(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let cell = canvas.side() * 0.3;
    let patches = Field::new(size(canvas), (cell, cell), 3, rng);
    tint(canvas, &palette.ground, |x, y| patches.get(x, y) * 0.7);
    let length = canvas.side() * rng.random_range(0.05..0.11);
    for _ in 0..rng.random_range(260..420) {
        let foot = anywhere(canvas, rng);
        let lean = rng.random_range(-2.4..-0.7_f32);
        let tip = polar(foot, lean, length * rng.random_range(0.5..1.3));
        let tone = palette.ground[rng.random_range(0..3)].varied(rng, 0.07);
        let bend = rng.random_range(-0.2..0.2);
        canvas.fill(blade(foot, tip, bend, length * 0.13), tone);
    }
}

/// A fade from one edge to the other, with clouds.
fn sky(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let cell = canvas.side() * rng.random_range(0.25..0.7);
    let clouds = Field::new(size(canvas), (cell * 1.6, cell), 4, rng);
    let cover = rng.random_range(0.0..0.9);
    let height = canvas.height();
    tint(canvas, &palette.ground, |x, y| {
        let fade = 0.25 + 0.45 * y as f32 / height;
        fade + cover * (clouds.get(x, y) * 2.2 - 0.95).max(0.0)
    });
}

/// Rounded stones with light from above.
fn pebbles(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let [dark, middle, light] = palette.ground;
    tint(canvas, &[dark.lit(-0.4), dark, dark], |_, _| rng.random_range(0.2..0.6));
    let size = canvas.side() * rng.random_range(0.03..0.085);
    let area = canvas.width() * canvas.height();
    let stones = (area / (size * size) * 0.75).min(420.0) as usize;
    for _ in 0..stones {
        let centre = anywhere(canvas, rng);
        let radius = size * rng.random_range(0.5..1.15);
        let squash = rng.random_range(0.6..0.95);
        let angle = rng.random_range(0.0..std::f32::consts::PI);
        let tone = dark.mix(light, rng.random_range(0.15..0.95)).varied(rng, 0.05);
        let below = at(centre.x + radius * 0.12, centre.y + radius * 0.2);
        canvas.fill_clear(ellipse(below, radius, radius * squash, angle), dark.lit(-0.6), 0.6);
        canvas.fill_fade(
            ellipse(centre, radius, radius * squash, angle),
            (at(centre.x, centre.y - radius), tone.mix(light, 0.35)),
            (at(centre.x, centre.y + radius), tone.mix(middle, 0.3).lit(-0.25)),
        );
    }
}

/// Planks, or bark: noise drawn out along one direction, with joints.
fn boards(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let fine = canvas.side() * rng.random_range(0.02..0.06);
    let long = fine * rng.random_range(8.0..22.0);
    let upright = rng.random_bool(0.5);
    let cell = if upright { (fine, long) } else { (long, fine) };
    let grain = Field::new(size(canvas), cell, 3, rng);
    let plank = canvas.side() * rng.random_range(0.18..0.5);
    let tones: [f32; 16] = std::array::from_fn(|_| rng.random_range(-0.12..0.12));
    tint(canvas, &palette.ground, |x, y| {
        let across = if upright { x } else { y } as f32 / plank;
        let joint = if across.fract() * plank < 2.0 { 0.4 } else { 0.0 };
        0.5 + (grain.get(x, y) - 0.5) * 1.2 + tones[across as usize % tones.len()] - joint
    });
}

/// Fallen leaves without a form of their own, in many tones.
fn litter(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    soil(canvas, rng, palette);
    let size = canvas.side() * rng.random_range(0.04..0.1);
    for _ in 0..rng.random_range(60..150) {
        let centre = anywhere(canvas, rng);
        let tone = if rng.random_bool(0.2) { palette.accents[0] } else { palette.ground[rng.random_range(0..3)] };
        let radius = size * rng.random_range(0.6..1.4);
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        let tone = tone.varied(rng, 0.1);
        let (tip, foot) = (polar(centre, angle, radius), polar(centre, angle, -radius));
        let leaf = ellipse(centre, radius, radius * rng.random_range(0.25..0.6), angle);
        canvas.fill_fade(leaf, (foot, tone.lit(-0.3)), (tip, tone.lit(0.1)));
        let rib = curve(foot, tip, 0.05);
        canvas.stroke(rib, tone.lit(-0.4), 1.0, 0.6);
    }
}

/// Far lights and leaves, so much out of focus that each is a disc.
fn lights(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    sky(canvas, rng, palette);
    let size = canvas.side() * rng.random_range(0.04..0.13);
    for _ in 0..rng.random_range(15..50) {
        let centre = anywhere(canvas, rng);
        let tone = match rng.random_range(0..5) {
            0 => palette.accents[rng.random_range(0..3)],
            1 => palette.main,
            _ => palette.ground[rng.random_range(0..3)],
        };
        let radius = size * rng.random_range(0.5..1.5);
        let disc = PathBuilder::from_circle(centre.x, centre.y, radius);
        canvas.fill_clear(disc, tone.lit(0.15), rng.random_range(0.15..0.5));
    }
}
