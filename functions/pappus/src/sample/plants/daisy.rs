//! Daisy: few broad petals around a domed disc.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{Point, Transform};

use super::super::canvas::{Canvas, at, curve, petal, polar};
use super::super::palette::Palette;
use super::{apart, stem};

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let count = [1, 1, 2, 3, 5][rng.random_range(0..5)];
    let share = if count == 1 { 0.25..0.44 } else { 0.15..0.27 };
    let radius = canvas.side() * rng.random_range(share);
    let petals = rng.random_range(8..15);
    for head in apart(canvas, rng, count, radius) {
        let radius = radius * rng.random_range(0.8..1.15);
        stem(canvas, rng, head, radius * 0.1, palette.second);
        flower(canvas, rng, head, radius, petals, palette);
    }
}

fn flower(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, petals: usize, palette: &Palette) {
    let level = canvas.frame;
    // A flower seldom faces the camera: squeezed along one axis, about its own middle.
    let slant = rng.random_range(0.0..180.0);
    let lean = Transform::from_translate(-centre.x, -centre.y)
        .post_rotate(-slant)
        .post_scale(1.0, rng.random_range(0.6..1.0))
        .post_rotate(slant)
        .post_translate(centre.x, centre.y);
    canvas.frame = lean.post_concat(level);
    let turn = rng.random_range(0.0..TAU);
    let width = radius * rng.random_range(3.6..5.0) / petals as f32;
    for i in 0..petals {
        let angle = turn + TAU * (i as f32 + rng.random_range(-0.15..0.15)) / petals as f32;
        let foot = polar(centre, angle, radius * 0.12);
        let tip = polar(centre, angle, radius * rng.random_range(0.9..1.06));
        let tone = palette.main.varied(rng, 0.04).lit(0.12);
        let under = polar(centre, angle + 0.06, radius * 0.98);
        canvas.fill_clear(petal(foot, under, width), tone.lit(-0.6), 0.45);
        canvas.fill_fade(petal(foot, tip, width), (foot, tone.lit(-0.4)), (tip, tone.lit(0.12)));
        for vein in [-0.04, 0.04] {
            let end = polar(centre, angle + vein * 1.6, radius * 0.78);
            canvas.stroke(curve(foot, end, vein), tone.lit(-0.25), 0.8, 0.5);
        }
    }
    let heart = radius * rng.random_range(0.24..0.34);
    disc(canvas, rng, centre, heart, palette);
    canvas.frame = level;
}

/// Florets in the spiral of Fibonacci, lit from above.
fn disc(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, palette: &Palette) {
    const FLORETS: usize = 90;
    let tone = palette.second;
    canvas.disc(centre, radius, tone.lit(-0.45));
    for i in 0..FLORETS {
        let share = (i as f32 / FLORETS as f32).sqrt();
        let place = polar(centre, i as f32 * PI * (3.0 - 5.0_f32.sqrt()), radius * share);
        let light = 0.3 - 0.45 * share - 0.2 * (place.y - centre.y) / radius;
        let floret = tone.varied(rng, 0.07).lit(light);
        canvas.disc(at(place.x, place.y), radius * 0.085, floret);
    }
}
