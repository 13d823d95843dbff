//! Grass: blades in layers, a tussock, or a meadow with ears.

use std::f32::consts::FRAC_PI_2;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Point;

use super::super::canvas::{Canvas, along, at, blade, curve, direction, ellipse, polar};
use super::super::palette::{Colour, Palette};

/// What the blades of one picture have in common.
struct Sward {
    /// Where the wind leans them, in radians from upright.
    wind: f32,
    /// How much they differ from one another, in radians.
    spread: f32,
    /// Length and width in pixels.
    length: f32,
    width: f32,
    /// Middle and half width of the feet, in pixels.
    middle: f32,
    reach: f32,
}

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let (width, height) = (canvas.width(), canvas.height());
    let tussock = rng.random_bool(0.35);
    let sward = Sward {
        wind: rng.random_range(-0.45..0.45),
        spread: if tussock { 0.75 } else { rng.random_range(0.2..0.5) },
        length: height * rng.random_range(0.55..1.0),
        width: canvas.side() * rng.random_range(0.014..0.045),
        middle: width * rng.random_range(0.3..0.7),
        reach: width * if tussock { rng.random_range(0.06..0.2) } else { 0.75 },
    };
    let blades = rng.random_range(if tussock { 36..80 } else { 42..90 });
    let ears = if rng.random_bool(0.4) { rng.random_range(2..9) } else { 0 };
    for layer in 0..3 {
        let near = layer as f32 / 2.0;
        for _ in 0..blades / 3 {
            one_blade(canvas, rng, &sward, palette, near);
        }
        for _ in 0..ears / 3 {
            ear(canvas, rng, &sward, palette.second.lit(-0.3 + 0.3 * near));
        }
    }
}

/// Foot, tip and bend of a blade whose length is `share` of the sward's.
fn growth(canvas: &Canvas, rng: &mut ChaCha8Rng, sward: &Sward, share: f32) -> (Point, Point, f32) {
    let foot =
        at(sward.middle + sward.reach * rng.random_range(-1.0..1.0), canvas.height() * rng.random_range(0.98..1.2));
    let lean = sward.wind + sward.spread * rng.random_range(-1.0..1.0);
    let length = sward.length * share * 1.15;
    let tip = polar(foot, -FRAC_PI_2 + lean, length);
    (foot, tip, -lean * rng.random_range(0.05..0.4))
}

fn one_blade(canvas: &mut Canvas, rng: &mut ChaCha8Rng, sward: &Sward, palette: &Palette, near: f32) {
    let share = rng.random_range(0.45..1.15) * (1.1 - 0.35 * near);
    let (foot, tip, bend) = growth(canvas, rng, sward, share);
    let leaf = if rng.random_bool(0.2) { palette.second } else { palette.main };
    let tone = leaf.varied(rng, 0.09).lit(-0.32 + 0.36 * near);
    let width = sward.width * rng.random_range(0.6..1.3) * (0.7 + 0.5 * near);
    canvas.fill_fade(blade(foot, tip, bend, width), (foot, tone.lit(-0.4)), (tip, tone.lit(0.22)));
    if width > 4.0 {
        canvas.stroke(curve(foot, tip, bend), tone.lit(-0.28), width * 0.12, 0.7);
    }
}

/// A thin stalk with grains on both sides of its upper part.
fn ear(canvas: &mut Canvas, rng: &mut ChaCha8Rng, sward: &Sward, tone: Colour) {
    let (foot, tip, bend) = growth(canvas, rng, sward, 1.05);
    canvas.stroke(curve(foot, tip, bend), tone, (sward.width * 0.2).max(1.0), 1.0);
    // Husks wider than their distance would melt into a ribbon.
    let grain = (sward.width * 0.75).min(sward.length * 0.022);
    for step in 0..14 {
        let share = 0.74 + 0.26 * step as f32 / 13.0;
        let place = along(foot, tip, bend, share);
        let heading = direction(along(foot, tip, bend, share - 0.05), place);
        for side in [-1.0, 1.0] {
            let angle = heading + side * 0.45;
            let centre = polar(place, angle, grain * 0.6);
            let husk = ellipse(centre, grain * 0.65, grain * 0.24, angle);
            canvas.fill(husk, tone.varied(rng, 0.08).lit(0.12));
        }
    }
}
