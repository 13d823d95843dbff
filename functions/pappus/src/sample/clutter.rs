//! Things that any picture may hold, whatever its class: they carry shared colours and lead a lazy eye astray.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::{PathBuilder, Point};

use super::canvas::{Canvas, along, at, blade, curve, ellipse, polar};
use super::palette::{Colour, Palette};

/// One kind of thing, put down at a place with a size in pixels.
type Thing = fn(&mut Canvas, &mut ChaCha8Rng, Point, f32, Colour);

const THINGS: [Thing; 5] = [stone, twig, fallen_petals, stray_blades, glow];

/// Puts a few things between the ground and the plant, some of them in the colours of the plant.
pub(super) fn scatter(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    for _ in 0..rng.random_range(0..9) {
        let thing = THINGS[rng.random_range(0..THINGS.len())];
        let place = anywhere(canvas, rng);
        let size = canvas.side() * rng.random_range(0.05..0.2);
        let tone = any_tone(rng, palette);
        thing(canvas, rng, place, size, tone);
    }
}

/// Puts something large in front of the plant, close to the lens.
pub(super) fn occlude(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let (width, height) = (canvas.width(), canvas.height());
    let side = canvas.side();
    for _ in 0..rng.random_range(1..=3) {
        let tone = any_tone(rng, palette);
        let foot = at(rng.random_range(-0.1..1.1) * width, height * 1.05);
        let lean = -std::f32::consts::FRAC_PI_2 + rng.random_range(-0.6..0.6);
        let tip = polar(foot, lean, height * rng.random_range(0.4..1.0));
        let broad = side * rng.random_range(0.03..0.1);
        canvas.fill(blade(foot, tip, rng.random_range(-0.25..0.25), broad), tone);
    }
    if rng.random_bool(0.4) {
        let corner =
            at(if rng.random_bool(0.5) { 0.0 } else { width }, if rng.random_bool(0.5) { 0.0 } else { height });
        let tone = any_tone(rng, palette);
        let radius = side * rng.random_range(0.12..0.3);
        let disc = PathBuilder::from_circle(corner.x, corner.y, radius);
        canvas.fill_clear(disc, tone, 0.85);
    }
}

fn anywhere(canvas: &Canvas, rng: &mut ChaCha8Rng) -> Point {
    at(rng.random_range(0.0..canvas.width()), rng.random_range(0.0..canvas.height()))
}

fn any_tone(rng: &mut ChaCha8Rng, palette: &Palette) -> Colour {
    let tones = [palette.main, palette.second, palette.accents[0], palette.accents[1], palette.accents[2]];
    tones[rng.random_range(0..tones.len())].varied(rng, 0.08)
}

fn stone(canvas: &mut Canvas, rng: &mut ChaCha8Rng, place: Point, size: f32, tone: Colour) {
    let angle = rng.random_range(0.0..std::f32::consts::PI);
    let shape = ellipse(place, size * 0.6, size * rng.random_range(0.3..0.5), angle);
    let (above, below) = (at(place.x, place.y - size * 0.5), at(place.x, place.y + size * 0.5));
    canvas.fill_fade(shape, (above, tone.lit(0.25)), (below, tone.lit(-0.4)));
}

fn twig(canvas: &mut Canvas, rng: &mut ChaCha8Rng, place: Point, size: f32, tone: Colour) {
    let angle = rng.random_range(0.0..std::f32::consts::TAU);
    let tip = polar(place, angle, size * rng.random_range(2.0..5.0));
    let bend = rng.random_range(-0.2..0.2);
    canvas.stroke(curve(place, tip, bend), tone.lit(-0.2), size * 0.08, 1.0);
    let fork = along(place, tip, bend, 0.55);
    let offshoot = polar(fork, angle + rng.random_range(0.4..0.9), size * 1.2);
    canvas.stroke(curve(fork, offshoot, 0.1), tone.lit(-0.25), size * 0.05, 1.0);
}

fn fallen_petals(canvas: &mut Canvas, rng: &mut ChaCha8Rng, place: Point, size: f32, tone: Colour) {
    for _ in 0..rng.random_range(2..7) {
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        let centre = polar(place, angle, size * rng.random_range(0.3..1.4));
        let turn = rng.random_range(0.0..std::f32::consts::PI);
        let shape = ellipse(centre, size * 0.22, size * 0.12, turn);
        canvas.fill(shape, tone.varied(rng, 0.08));
    }
}

fn stray_blades(canvas: &mut Canvas, rng: &mut ChaCha8Rng, place: Point, size: f32, tone: Colour) {
    for _ in 0..rng.random_range(2..6) {
        let foot = at(place.x + size * rng.random_range(-0.4..0.4), place.y);
        let lean = -std::f32::consts::FRAC_PI_2 + rng.random_range(-0.7..0.7);
        let tip = polar(foot, lean, size * rng.random_range(1.0..2.2));
        let shape = blade(foot, tip, rng.random_range(-0.3..0.3), size * 0.12);
        canvas.fill(shape, tone.varied(rng, 0.1));
    }
}

fn glow(canvas: &mut Canvas, rng: &mut ChaCha8Rng, place: Point, size: f32, tone: Colour) {
    let disc = PathBuilder::from_circle(place.x, place.y, size * rng.random_range(0.4..1.0));
    canvas.fill_clear(disc, tone.lit(0.2), rng.random_range(0.3..0.8));
}
