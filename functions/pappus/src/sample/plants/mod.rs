//! The plants, one file each. A painter composes its own group of plants on a transparent canvas.

mod clover;
mod daisy;
mod dandelion;
mod fern;
mod grass;
mod maple;
mod moss;
mod thistle;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Point;

use super::CLASSES;
use super::canvas::{Canvas, at, curve};
use super::palette::{Colour, Family, GREEN, Natural, PURPLE, Palette, RED, STRAW, WHITE, YELLOW};

/// Draws one kind of plant.
type Painter = fn(&mut Canvas, &mut ChaCha8Rng, &Palette);

/// How to draw one class.
#[derive(Clone, Copy)]
pub(super) struct Species {
    pub(super) paint: Painter,
    pub(super) natural: Natural,
}

/// The species, in the order of [`CLASSES`].
pub(super) const SPECIES: [Species; CLASSES.len()] = [
    species(dandelion::paint, WHITE, GREEN),
    species(grass::paint, GREEN, STRAW),
    species(clover::paint, GREEN, GREEN),
    species(fern::paint, GREEN, GREEN),
    species(daisy::paint, WHITE, YELLOW),
    species(thistle::paint, PURPLE, GREEN),
    species(moss::paint, GREEN, RED),
    species(maple::paint, RED, YELLOW),
];

const fn species(paint: Painter, main: Family, second: Family) -> Species {
    Species { paint, natural: Natural { main, second } }
}

/// A point at least `margin` (as a share of each side) away from the edges.
fn inside(canvas: &Canvas, rng: &mut ChaCha8Rng, margin: f32) -> Point {
    at(
        canvas.width() * rng.random_range(margin..1.0 - margin),
        canvas.height() * rng.random_range(margin..1.0 - margin),
    )
}

/// Places for `count` things of a `radius`, which overlap only where there is no room left.
fn apart(canvas: &Canvas, rng: &mut ChaCha8Rng, count: usize, radius: f32) -> Vec<Point> {
    let mut places: Vec<Point> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut place = inside(canvas, rng, 0.14);
        for _ in 0..12 {
            if places.iter().all(|other| other.distance(place) > 1.6 * radius) {
                break;
            }
            place = inside(canvas, rng, 0.14);
        }
        places.push(place);
    }
    places
}

/// A stem from a head down past the lower edge, round: dark at the rim and light along the middle.
fn stem(canvas: &mut Canvas, rng: &mut ChaCha8Rng, head: Point, width: f32, colour: Colour) {
    let reach = canvas.width().max(canvas.height()) * 1.3;
    let foot = at(head.x + reach * rng.random_range(-0.2..0.2), head.y + reach);
    let bend = rng.random_range(-0.12..0.12);
    canvas.stroke(curve(head, foot, bend), colour.lit(-0.35), width, 1.0);
    canvas.stroke(curve(head, foot, bend), colour.lit(0.1), width * 0.45, 1.0);
}
