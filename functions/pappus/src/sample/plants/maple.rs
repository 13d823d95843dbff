//! Maple: five pointed lobes with teeth, and veins that fan from the stalk.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{Point, Transform};

use super::super::canvas::{Canvas, at, between, curve, polygon};
use super::super::palette::{Colour, Palette};
use super::apart;

/// Right half of a leaf of unit height, from the stalk (0, 0) to the tip (0, −1).
const HALF: [(f32, f32); 17] = [
    (0.03, -0.02),
    (0.24, 0.06),
    (0.2, -0.04),
    (0.46, -0.04),
    (0.4, -0.14),
    (0.3, -0.22),
    (0.5, -0.31),
    (0.62, -0.33),
    (0.56, -0.43),
    (0.66, -0.58),
    (0.46, -0.53),
    (0.41, -0.6),
    (0.16, -0.42),
    (0.24, -0.68),
    (0.2, -0.72),
    (0.11, -0.76),
    (0.07, -0.84),
];

/// Tips of the five lobes, where the veins end.
const LOBES: [(f32, f32); 5] = [(0.0, -0.97), (0.63, -0.56), (-0.63, -0.56), (0.44, -0.04), (-0.44, -0.04)];

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let count = [1, 1, 2, 3, 5, 8][rng.random_range(0..6)];
    let share = if count < 3 { 0.5..0.85 } else { 0.28..0.5 };
    let size = canvas.side() * rng.random_range(share);
    for place in apart(canvas, rng, count, size * 0.5) {
        let size = size * rng.random_range(0.75..1.15);
        let tone = palette.main.varied(rng, 0.1);
        leaf(canvas, rng, place, size, tone, palette.second);
    }
}

fn leaf(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, size: f32, tone: Colour, rib: Colour) {
    let level = canvas.frame;
    let turned = Transform::from_translate(0.0, size * 0.45)
        .post_scale(rng.random_range(0.75..1.05), rng.random_range(0.8..1.05))
        .post_rotate(rng.random_range(0.0..360.0))
        .post_translate(centre.x, centre.y);
    canvas.frame = turned.post_concat(level);

    let stalk = at(size * rng.random_range(-0.15..0.15), size * rng.random_range(0.3..0.5));
    let bend = rng.random_range(-0.25..0.25);
    canvas.stroke(curve(at(0.0, 0.0), stalk, bend), rib.lit(-0.15), size * 0.025, 1.0);
    let (near, far) = (at(0.0, 0.0), at(size * rng.random_range(-0.5..0.5), -size));
    canvas.fill_fade(
        outline(rng, size),
        (near, tone.lit(rng.random_range(-0.45..-0.1))),
        (far, tone.lit(rng.random_range(0.0..0.25))),
    );
    for _ in 0..rng.random_range(0..12) {
        let angle = rng.random_range(0.0..TAU);
        let reach = rng.random_range(0.05..0.3);
        let place = at(size * reach * angle.cos(), size * (reach * angle.sin() - 0.4));
        canvas.disc(place, size * rng.random_range(0.006..0.018), tone.lit(-0.5));
    }
    veins(canvas, size, tone.mix(rib, 0.5).lit(0.25));
    canvas.frame = level;
}

/// The outline, both halves, with every point moved a little.
fn outline(rng: &mut ChaCha8Rng, size: f32) -> Option<tiny_skia::Path> {
    let mut half = |side: f32| -> Vec<Point> {
        HALF.iter()
            .map(|&(x, y)| {
                let (dx, dy) = (rng.random_range(-0.02..0.02), rng.random_range(-0.02..0.02));
                at(side * (x + dx) * size, (y + dy) * size)
            })
            .collect()
    };
    let (right, mut left) = (half(1.0), half(-1.0));
    left.reverse();
    polygon(right.into_iter().chain([at(0.0, -size)]).chain(left))
}

fn veins(canvas: &mut Canvas, size: f32, tone: Colour) {
    let root = at(0.0, 0.0);
    for (x, y) in LOBES {
        let tip = at(x * size, y * size);
        canvas.stroke(curve(root, tip, 0.02), tone, (size * 0.012).max(0.8), 0.85);
        for (share, side) in [(0.4, 1.0), (0.4, -1.0), (0.62, 1.0), (0.62, -1.0)] {
            let fork = between(root, tip, share);
            let ahead = between(root, tip, share + 0.17);
            let end = at(ahead.x - side * (tip.y - root.y) * 0.14, ahead.y + side * (tip.x - root.x) * 0.14);
            canvas.stroke(curve(fork, end, 0.0), tone, (size * 0.006).max(0.6), 0.7);
        }
    }
}
