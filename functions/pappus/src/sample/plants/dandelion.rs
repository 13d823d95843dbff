//! Dandelion: a globe of parachutes, or a flower of a hundred rays.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{PathBuilder, Point};

use super::super::canvas::{Canvas, at, petal, polar, segments};
use super::super::palette::{Colour, Palette};
use super::{apart, stem};

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let count = [1, 1, 1, 2, 3][rng.random_range(0..5)];
    let share = if count == 1 { 0.24..0.44 } else { 0.17..0.27 };
    let radius = canvas.side() * rng.random_range(share);
    let gone_to_seed = rng.random_bool(0.65);
    for head in apart(canvas, rng, count, radius) {
        let radius = radius * rng.random_range(0.8..1.15);
        let thickness = radius * rng.random_range(0.06..0.12);
        stem(canvas, rng, head, thickness, palette.second);
        if gone_to_seed {
            globe(canvas, rng, head, radius, palette);
        } else {
            flower(canvas, rng, head, radius * 0.85, palette.main);
        }
    }
    if gone_to_seed && rng.random_bool(0.5) {
        for place in apart(canvas, rng, 4, radius * 0.4) {
            let drift = rng.random_range(0.0..TAU);
            let tip = polar(place, drift, radius * 0.35);
            parachute(canvas, (place, tip), 0.4, palette.main.lit(0.3), 0.9);
        }
    }
}

/// Seeds spread evenly over a sphere, the far ones first; the wind may have taken one side.
fn globe(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, palette: &Palette) {
    let seeds = rng.random_range(70..130);
    let bare = if rng.random_bool(0.35) { rng.random_range(-0.2..0.7) } else { 2.0 };
    let wind = rng.random_range(0.0..TAU);
    let turn = rng.random_range(0.0..TAU);
    let down = palette.main.lit(0.3);
    let haze = PathBuilder::from_circle(centre.x, centre.y, radius * 0.9);
    canvas.fill_clear(haze, down, if bare < 1.0 { 0.05 } else { 0.16 });
    for seed in 0..seeds {
        // Fibonacci's lattice: equal areas, no seams.
        let depth = -1.0 + (2.0 * seed as f32 + 1.0) / seeds as f32;
        let rim = (1.0 - depth * depth).sqrt();
        let angle = turn + seed as f32 * PI * (3.0 - 5.0_f32.sqrt());
        let (x, y) = (rim * angle.cos(), rim * angle.sin());
        if x * wind.cos() + y * wind.sin() > bare {
            continue;
        }
        let reach = radius * rng.random_range(0.76..0.84);
        let root = at(centre.x + 0.12 * radius * x, centre.y + 0.12 * radius * y);
        let tip = at(centre.x + reach * x, centre.y + reach * y);
        let tone = down.varied(rng, 0.06).lit(depth * 0.22);
        parachute(canvas, (root, tip), radius * 0.24, tone, 0.75 + 0.2 * depth);
    }
    receptacle(canvas, rng, centre, radius * 0.15, palette.second);
}

/// A seed on its stalk, from `root` to `tip`, under a star of hairs.
///
/// `hair` is their length in pixels, or a share of the stalk when below one.
fn parachute(canvas: &mut Canvas, (root, tip): (Point, Point), hair: f32, colour: Colour, opacity: f32) {
    const HAIRS: usize = 11;
    let stalk = tip - root;
    let length = stalk.length();
    let hair = if hair < 1.0 { hair * length } else { hair };
    // Towards the middle of the globe the stalk points at the eye and the star is seen full on.
    let slant = (length / (length + hair)).clamp(0.0, 1.0);
    let axis = stalk.y.atan2(stalk.x);
    let star = (0..HAIRS).map(|i| {
        let around = TAU * i as f32 / HAIRS as f32;
        let across = around.sin() * hair;
        let forward = around.cos() * hair * (1.0 - 0.6 * slant) + 0.4 * hair * slant;
        let end = polar(polar(tip, axis, forward), axis + PI / 2.0, across);
        (tip, end)
    });
    // At most a pixel: the rasteriser draws such hairlines much faster.
    let stroke = (hair * 0.045).clamp(0.55, 1.0);
    let lines = segments(star.chain([(root, tip)]));
    canvas.stroke(lines, colour, stroke, opacity);
}

/// The cushion the seeds sit on, pitted where they have left.
fn receptacle(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, colour: Colour) {
    canvas.disc(centre, radius, colour.lit(-0.35));
    for _ in 0..18 {
        let angle = rng.random_range(0.0..TAU);
        let place = polar(centre, angle, radius * rng.random_range(0.0..0.9));
        let tone = colour.varied(rng, 0.12).lit(-0.1);
        canvas.disc(place, radius * 0.16, tone);
    }
}

/// Rings of narrow rays, the outer ones first, seen at a slant.
fn flower(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, colour: Colour) {
    let squash = rng.random_range(0.62..1.0);
    let slant = rng.random_range(0.0..PI);
    let rings = rng.random_range(4..=6);
    for ring in 0..rings {
        let share = ring as f32 / rings as f32;
        let reach = radius * (1.0 - share * 0.82);
        let rays = rng.random_range(30..44) - ring * 3;
        for ray in 0..rays {
            let angle = TAU * (ray as f32 + rng.random_range(-0.4..0.4)) / rays as f32;
            let reach = reach * rng.random_range(0.82..1.08);
            let (along, across) = (reach * angle.cos(), reach * angle.sin() * squash);
            let tip = at(
                centre.x + along * slant.cos() - across * slant.sin(),
                centre.y + along * slant.sin() + across * slant.cos(),
            );
            let tone = colour.varied(rng, 0.05).lit(-0.35 + 0.45 * share);
            canvas.fill_fade(petal(centre, tip, radius * 0.085), (tip, tone.lit(0.25)), (centre, tone.lit(-0.5)));
        }
    }
}
