//! Clover: heart-shaped leaflets in threes, each with a pale chevron.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{Path, PathBuilder, Point};

use super::super::canvas::{Canvas, curve, polar};
use super::super::palette::{Colour, Palette};
use super::apart;

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let radius = canvas.side() * rng.random_range(0.1..0.22);
    let room = canvas.width() * canvas.height() / (radius * radius);
    let count = (room * rng.random_range(0.08..0.3)).clamp(3.0, 26.0) as usize;
    let places = apart(canvas, rng, count, radius);
    for &place in &places {
        let angle = rng.random_range(0.0..TAU);
        let foot = polar(place, angle, radius * rng.random_range(1.0..2.2));
        let stalk = curve(place, foot, rng.random_range(-0.3..0.3));
        canvas.stroke(stalk, palette.second.lit(-0.2), radius * 0.07, 1.0);
    }
    let marked = rng.random_bool(0.8);
    for place in places {
        let radius = radius * rng.random_range(0.7..1.2);
        let tone = palette.main.varied(rng, 0.08).lit(rng.random_range(-0.25..0.1));
        let mark = marked.then(|| tone.mix(palette.second.lit(0.6), 0.6));
        leaf(canvas, rng, place, radius, tone, mark);
    }
}

fn leaf(canvas: &mut Canvas, rng: &mut ChaCha8Rng, centre: Point, radius: f32, tone: Colour, mark: Option<Colour>) {
    let turn = rng.random_range(0.0..TAU);
    for third in 0..3 {
        let axis = turn + TAU * third as f32 / 3.0 + rng.random_range(-0.12..0.12);
        let length = radius * rng.random_range(0.9..1.08);
        let tone = tone.varied(rng, 0.04);
        let shade = (polar(centre, axis + 0.5, length * 0.06), axis);
        canvas.fill_clear(heart(shade.0, shade.1, length * 1.05), tone.lit(-0.75), 0.5);
        let (near, far) = (centre, polar(centre, axis, length));
        canvas.fill_fade(heart(centre, axis, length), (near, tone.lit(-0.3)), (far, tone.lit(0.14)));
        canvas.stroke(
            curve(centre, polar(centre, axis, length * 0.84), 0.0),
            tone.lit(-0.35),
            (length * 0.025).max(0.6),
            0.8,
        );
        if let Some(pale) = mark {
            canvas.stroke(chevron(centre, axis, length), pale, length * 0.075, 0.8);
        }
    }
}

/// A heart with its point at `foot`, as long as wide.
fn heart(foot: Point, axis: f32, length: f32) -> Option<Path> {
    let spot = |along: f32, across: f32| polar(polar(foot, axis, along * length), axis + PI / 2.0, across * length);
    let mut path = PathBuilder::new();
    path.move_to(foot.x, foot.y);
    for side in [1.0, -1.0] {
        let (rise, shoulder, crown) = (spot(0.25, 0.5 * side), spot(0.6, 0.66 * side), spot(0.86, 0.5 * side));
        let (lobe, dip, notch) = (spot(1.1, 0.34 * side), spot(1.04, 0.06 * side), spot(0.86, 0.0));
        // One half runs outwards from the point, the other back to it.
        if side > 0.0 {
            path.cubic_to(rise.x, rise.y, shoulder.x, shoulder.y, crown.x, crown.y);
            path.cubic_to(lobe.x, lobe.y, dip.x, dip.y, notch.x, notch.y);
        } else {
            path.cubic_to(dip.x, dip.y, lobe.x, lobe.y, crown.x, crown.y);
            path.cubic_to(shoulder.x, shoulder.y, rise.x, rise.y, foot.x, foot.y);
        }
    }
    path.close();
    path.finish()
}

/// The pale mark across a leaflet.
fn chevron(foot: Point, axis: f32, length: f32) -> Option<Path> {
    let top = polar(foot, axis, length * 0.62);
    let mut path = PathBuilder::new();
    let (left, right) = (polar(foot, axis + 0.62, length * 0.52), polar(foot, axis - 0.62, length * 0.52));
    path.move_to(left.x, left.y);
    path.quad_to(top.x, top.y, top.x, top.y);
    path.quad_to(top.x, top.y, right.x, right.y);
    path.finish()
}
