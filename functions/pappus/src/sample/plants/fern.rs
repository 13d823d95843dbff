//! Fern: arching fronds with toothed leaflets in pairs.

use std::f32::consts::{FRAC_PI_2, PI};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tiny_skia::Point;

use super::super::canvas::{Canvas, along, at, curve, direction, polar, polygon};
use super::super::palette::{Colour, Palette};

pub(super) fn paint(canvas: &mut Canvas, rng: &mut ChaCha8Rng, palette: &Palette) {
    let fronds = rng.random_range(1..=5);
    let crown = at(canvas.width() * rng.random_range(0.15..0.85), canvas.height() * rng.random_range(0.85..1.1));
    let middle = rng.random_range(-0.35..0.35);
    for frond in 0..fronds {
        let fan = frond as f32 - (fronds - 1) as f32 / 2.0;
        let lean = middle + fan * 0.45 + rng.random_range(-0.12..0.12);
        let reach = canvas.side().midpoint(canvas.height()) * rng.random_range(0.7..1.15);
        let tip = polar(crown, -FRAC_PI_2 + lean, reach);
        let tone = palette.main.varied(rng, 0.07).lit(-0.25 + 0.05 * frond as f32);
        let bend = -lean * rng.random_range(0.1..0.4);
        draw_frond(canvas, rng, (crown, tip, bend), tone, palette.second);
    }
}

fn draw_frond(
    canvas: &mut Canvas,
    rng: &mut ChaCha8Rng,
    (foot, tip, bend): (Point, Point, f32),
    tone: Colour,
    rib: Colour,
) {
    let pairs = rng.random_range(15..26);
    let length = foot.distance(tip);
    let broad = length * rng.random_range(0.2..0.32);
    for pair in 0..pairs {
        let share = 0.12 + 0.87 * pair as f32 / pairs as f32;
        let place = along(foot, tip, bend, share);
        let heading = direction(along(foot, tip, bend, share - 0.04), place);
        // Longest at a third of the way up, nothing at the tip.
        let reach = broad * (1.0 - share).powf(0.8) * (0.55 + 0.45 * (share * 4.0).min(1.0)) * 1.25;
        for side in [-1.0, 1.0] {
            let angle = heading + side * (1.2 - 0.35 * share) + rng.random_range(-0.05..0.05);
            let tone = tone.varied(rng, 0.05).lit(if side > 0.0 { 0.12 } else { -0.1 });
            let width = length / pairs as f32 * 0.8;
            leaflet(canvas, place, angle, reach * rng.random_range(0.92..1.06), width, tone);
        }
    }
    let width = (length * 0.012).max(1.0);
    canvas.stroke(curve(foot, tip, bend), rib.lit(-0.2), width, 1.0);
}

/// A leaflet with rounded teeth on both edges.
fn leaflet(canvas: &mut Canvas, foot: Point, axis: f32, length: f32, width: f32, tone: Colour) {
    const TEETH: usize = 7;
    let edge = |side: f32| {
        (0..TEETH * 2).map(move |step| {
            let share = step as f32 / (TEETH * 2) as f32;
            let notch = if step % 2 == 0 { 0.45 } else { 1.0 };
            let across = width / 2.0 * (1.0 - share).powf(0.6) * notch;
            // Teeth point forwards.
            let forward = share * length + across * 0.4;
            polar(polar(foot, axis, forward), axis + side * PI / 2.0, across)
        })
    };
    let tip = polar(foot, axis, length);
    let outline = edge(1.0).chain([tip]).chain(edge(-1.0).rev());
    canvas.fill_fade(polygon(outline), (foot, tone.lit(-0.35)), (tip, tone.lit(0.2)));
    canvas.stroke(curve(foot, tip, 0.0), tone.lit(-0.4), 0.7, 0.7);
}
