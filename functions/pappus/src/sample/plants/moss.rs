//! Moss: cushions of tiny stars, some with capsules on hair-thin stalks.

use std::f32::consts::{FRAC_PI_2, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Point;

use super::super::canvas::{Canvas, along, at, curve, direction, ellipse, polar, segments};
use super::super::palette::{Colour, Palette};
use super::inside;

/// One cushion: a low dome.
struct Cushion {
    centre: Point,
    rx: f32,
    ry: f32,
}

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let side = canvas.side();
    let star = side * rng.random_range(0.028..0.042);
    let mut cushions: Vec<Cushion> = (0..rng.random_range(2..=4))
        .map(|_| {
            let rx = side * rng.random_range(0.2..0.42);
            Cushion { centre: inside(canvas, rng, 0.1), rx, ry: rx * rng.random_range(0.5..0.9) }
        })
        .collect();
    // The nearer one stands lower in the picture and covers those behind.
    cushions.sort_by(|a, b| a.centre.y.total_cmp(&b.centre.y));
    let capsules = rng.random_bool(0.4);
    for cushion in &cushions {
        let tone = palette.main.varied(rng, 0.06);
        carpet(canvas, rng, cushion, star, tone);
        if capsules {
            for _ in 0..rng.random_range(4..14) {
                let foot = spot(rng, cushion).0;
                capsule(canvas, rng, foot, star * 3.2, palette.second);
            }
        }
    }
}

/// A point of the cushion, and how far up the dome it lies: −1 at the lower rim, 1 at the upper one.
fn spot(rng: &mut ChaCha8Rng, cushion: &Cushion) -> (Point, f32) {
    let angle = rng.random_range(0.0..TAU);
    let share = rng.random::<f32>().sqrt();
    let height = -share * angle.sin();
    let place = at(cushion.centre.x + cushion.rx * share * angle.cos(), cushion.centre.y - cushion.ry * height);
    (place, height)
}

fn carpet(canvas: &mut Canvas, rng: &mut ChaCha8Rng, cushion: &Cushion, star: f32, tone: Colour) {
    let shape = ellipse(cushion.centre, cushion.rx, cushion.ry, 0.0);
    canvas.fill(shape, tone.lit(-0.42));
    let stars = (cushion.rx * cushion.ry / (star * star) * 1.9).min(190.0) as usize;
    for _ in 0..stars {
        let (place, height) = spot(rng, cushion);
        let light = height * 0.28 + rng.random_range(-0.22..0.22);
        let tone = tone.varied(rng, 0.05).lit(light);
        let turn = rng.random_range(0.0..TAU);
        let rays = rng.random_range(5..8);
        let lines = (0..rays).map(|ray| {
            let angle = turn + TAU * ray as f32 / rays as f32;
            (place, polar(place, angle, star))
        });
        canvas.stroke(segments(lines), tone, star * 0.3, 1.0);
        canvas.disc(place, star * 0.26, tone.lit(0.35));
    }
}

fn capsule(canvas: &mut Canvas, rng: &mut ChaCha8Rng, foot: Point, length: f32, tone: Colour) {
    let lean = rng.random_range(-0.35..0.35);
    let tip = polar(foot, -FRAC_PI_2 + lean, length * rng.random_range(0.7..1.2));
    let bend = lean * 0.3;
    canvas.stroke(curve(foot, tip, bend), tone.lit(-0.1), 1.0, 1.0);
    let heading = direction(along(foot, tip, bend, 0.8), tip);
    canvas.fill(ellipse(tip, length * 0.14, length * 0.065, heading + 0.5), tone.lit(0.1));
}
