//! Thistle: a scaly bulb under a brush of florets, on a spiny stem.

use std::f32::consts::{FRAC_PI_2, PI};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Point;

use super::super::canvas::{Canvas, at, between, blade, curve, direction, ellipse, polar, polygon};
use super::super::palette::{Colour, Palette};
use super::{apart, stem};

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let count = [1, 1, 2, 3][rng.random_range(0..4)];
    let share = if count == 1 { 0.16..0.26 } else { 0.1..0.17 };
    let radius = canvas.side() * rng.random_range(share);
    for head in apart(canvas, rng, count, radius * 2.0) {
        let radius = radius * rng.random_range(0.85..1.15);
        let base = at(head.x, head.y + radius * 0.8);
        stem(canvas, rng, base, radius * 0.22, palette.second);
        for side in [-1.0, 1.0] {
            let foot = at(head.x, head.y + radius * rng.random_range(1.1..2.2));
            let lean = -FRAC_PI_2 + side * rng.random_range(0.8..1.7);
            let tip = polar(foot, lean, radius * rng.random_range(1.5..2.6));
            let tone = palette.second.varied(rng, 0.06);
            spiny_leaf(canvas, rng, foot, tip, tone);
        }
        brush(canvas, rng, head, radius, palette.main);
        bulb(canvas, rng, head, radius, palette.second);
    }
}

/// A leaf cut into long teeth.
fn spiny_leaf(canvas: &mut Canvas, rng: &mut ChaCha8Rng, foot: Point, tip: Point, tone: Colour) {
    const TEETH: usize = 6;
    let axis = direction(foot, tip);
    let length = foot.distance(tip);
    let mut edge = |side: f32| -> Vec<Point> {
        (0..TEETH * 2)
            .map(|step| {
                let share = step as f32 / (TEETH * 2) as f32;
                let tooth = step % 2 == 1;
                let wide = if tooth { rng.random_range(0.2..0.32) } else { 0.06 };
                let across = length * wide * (1.0 - share * 0.8);
                let forward = length * (share + if tooth { 0.1 } else { 0.0 });
                polar(polar(foot, axis, forward), axis + side * PI / 2.0, across)
            })
            .collect()
    };
    let (left, mut right) = (edge(1.0), edge(-1.0));
    right.reverse();
    let outline = left.into_iter().chain([tip]).chain(right);
    canvas.fill_fade(polygon(outline), (foot, tone.lit(-0.45)), (tip, tone.lit(0.15)));
    canvas.stroke(curve(foot, tip, 0.04), tone.lit(0.3), length * 0.025, 0.8);
}

/// The florets: fine, straight, spread like a shaving brush.
fn brush(canvas: &mut Canvas, rng: &mut ChaCha8Rng, head: Point, radius: f32, tone: Colour) {
    let spread = rng.random_range(0.6..1.0);
    let length = radius * rng.random_range(1.5..2.1);
    for layer in 0..3 {
        for _ in 0..32 {
            let lean = spread * rng.random_range(-1.0..1.0_f32);
            let foot = at(head.x + lean * radius * 0.55, head.y - radius * 0.2);
            let reach = length * rng.random_range(0.8..1.05) * (1.0 - 0.2 * lean * lean);
            let tip = polar(foot, -FRAC_PI_2 + lean, reach * (1.0 - 0.14 * layer as f32));
            let tone = tone.varied(rng, 0.08).lit(-0.35 + 0.2 * layer as f32);
            let hair = (radius * 0.05).max(0.9);
            canvas.stroke(curve(foot, tip, -lean * 0.12), tone.lit(0.05), hair, 0.95);
            canvas.disc(tip, hair * 0.8, tone.lit(0.4));
        }
    }
}

/// Overlapping scales, each with a spine.
fn bulb(canvas: &mut Canvas, rng: &mut ChaCha8Rng, head: Point, radius: f32, tone: Colour) {
    canvas.fill(ellipse(head, radius * 0.88, radius * 0.95, 0.0), tone.lit(-0.5));
    const ROWS: usize = 6;
    for row in 0..ROWS {
        // From the mouth of the bulb down, so that lower scales lie on top.
        let level = -0.75 + 1.6 * row as f32 / ROWS as f32;
        let half = (1.0 - level * level * 0.85).max(0.05).sqrt();
        let scales = 9 - row / 2;
        for scale in 0..scales {
            let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
            let around = ((scale as f32 + shift) / scales as f32 * 2.0 - 1.0) * 1.25;
            let foot = at(head.x + around.sin() * half * radius * 0.86, head.y + (level + 0.25) * radius * 0.9);
            let out = -FRAC_PI_2 + around * 0.9;
            let tip = polar(foot, out, radius * rng.random_range(0.4..0.55));
            let light = 0.2 - 0.35 * around.abs() + rng.random_range(-0.08..0.08);
            let tone = tone.lit(light);
            canvas.fill(blade(foot, tip, 0.0, radius * 0.3), tone.lit(-0.55));
            canvas.fill(blade(foot, between(foot, tip, 0.8), 0.0, radius * 0.22), tone);
            canvas.stroke(curve(between(foot, tip, 0.6), tip, 0.0), tone.lit(0.5), 0.9, 0.9);
        }
    }
}
