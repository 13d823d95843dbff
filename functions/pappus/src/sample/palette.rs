//! Colours. Most pictures draw from one distribution, whatever their class, so that colour alone says little about it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// An opaque sRGB colour with channels in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour {
    pub(super) r: f32,
    pub(super) g: f32,
    pub(super) b: f32,
}

impl Colour {
    /// From hue in degrees, saturation and lightness in 0..=1.
    pub(super) fn from_hsl(hue: f32, saturation: f32, lightness: f32) -> Self {
        let reach = saturation * lightness.min(1.0 - lightness);
        let channel = |offset: f32| {
            let k = (offset + hue.rem_euclid(360.0) / 30.0) % 12.0;
            lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)
        };
        Self { r: channel(0.0), g: channel(8.0), b: channel(4.0) }
    }

    /// The colour `share` of the way towards `other`.
    pub(super) fn mix(self, other: Self, share: f32) -> Self {
        let blend = |a: f32, b: f32| (a + (b - a) * share).clamp(0.0, 1.0);
        Self { r: blend(self.r, other.r), g: blend(self.g, other.g), b: blend(self.b, other.b) }
    }

    /// Towards white for a positive amount, towards black for a negative one.
    pub(super) fn lit(self, amount: f32) -> Self {
        let level = if amount > 0.0 { 1.0 } else { 0.0 };
        let end = Self { r: level, g: level, b: level };
        self.mix(end, amount.abs())
    }

    /// A neighbour of this colour, as no two leaves of a plant are quite alike.
    pub(super) fn varied(self, rng: &mut ChaCha8Rng, amount: f32) -> Self {
        let light = rng.random_range(-amount..=amount);
        let warm = rng.random_range(-amount..=amount) * 0.4;
        Self {
            r: (self.r + light + warm).clamp(0.0, 1.0),
            g: (self.g + light).clamp(0.0, 1.0),
            b: (self.b + light - warm).clamp(0.0, 1.0),
        }
    }

    /// Perceived brightness in 0..=1 (Rec. 601 luma).
    pub(super) fn luma(self) -> f32 {
        0.299 * self.r + 0.587 * self.g + 0.114 * self.b
    }
}

/// The colours of one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// What lies behind: a shade, a middle tone and a light.
    pub(super) ground: [Colour; 3],
    /// The greater part of the plant.
    pub(super) main: Colour,
    /// Its lesser part: stem, heart, veins.
    pub(super) second: Colour,
    /// Things that have nothing to do with the plant.
    pub(super) accents: [Colour; 3],
}

impl Palette {
    pub(super) fn random(rng: &mut ChaCha8Rng, natural: &Natural) -> Self {
        let middle = tone(rng);
        let ground = [
            middle.varied(rng, 0.06).lit(-rng.random_range(0.3..0.6)),
            middle,
            middle.varied(rng, 0.1).lit(rng.random_range(0.15..0.45)),
        ];
        let [main, second] = [natural.main, natural.second].map(|family| {
            let true_to_life = rng.random_bool(TRUE_TO_LIFE);
            let own = if true_to_life { pick(rng, family) } else { tone(rng) };
            apart_from(middle, own)
        });
        Self { ground, main, second, accents: std::array::from_fn(|_| tone(rng)) }
    }
}

/// Bounds of a family of colours: hue in degrees, saturation, lightness.
pub(super) type Family = [(f32, f32); 3];

/// The colours a plant mostly has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Natural {
    pub(super) main: Family,
    pub(super) second: Family,
}

/// Share of the plants that have their natural colour; more would let a colour histogram tell the classes apart.
const TRUE_TO_LIFE: f64 = 0.5;

pub(super) const GREEN: Family = [(70.0, 115.0), (0.25, 0.55), (0.25, 0.5)];
pub(super) const YELLOW: Family = [(44.0, 54.0), (0.7, 0.95), (0.45, 0.6)];
pub(super) const WHITE: Family = [(30.0, 60.0), (0.05, 0.25), (0.8, 0.93)];
pub(super) const PURPLE: Family = [(285.0, 325.0), (0.35, 0.6), (0.4, 0.62)];
pub(super) const RED: Family = [(0.0, 32.0), (0.55, 0.85), (0.35, 0.52)];
pub(super) const STRAW: Family = [(35.0, 52.0), (0.25, 0.5), (0.45, 0.65)];

/// Colours met in a garden over the year, with their shares in per cent.
const FAMILIES: [(u32, Family); 6] = [
    // foliage
    (36, [(62.0, 125.0), (0.2, 0.55), (0.2, 0.6)]),
    // autumn, straw, earth
    (26, [(12.0, 58.0), (0.2, 0.8), (0.2, 0.7)]),
    // heather, wine, rose
    (12, [(275.0, 375.0), (0.2, 0.55), (0.25, 0.75)]),
    // sky and dusk
    (12, [(190.0, 250.0), (0.15, 0.6), (0.25, 0.8)]),
    // down, ash, stone
    (9, [(0.0, 360.0), (0.0, 0.12), (0.3, 0.92)]),
    // whatever a filter on a telephone makes of it
    (5, [(0.0, 360.0), (0.2, 0.65), (0.2, 0.8)]),
];

fn tone(rng: &mut ChaCha8Rng) -> Colour {
    let mut ticket = rng.random_range(0..FAMILIES.iter().map(|(share, _)| share).sum::<u32>());
    let mut family = FAMILIES[0].1;
    for (share, candidate) in FAMILIES {
        family = candidate;
        if ticket < share {
            break;
        }
        ticket -= share;
    }
    pick(rng, family)
}

fn pick(rng: &mut ChaCha8Rng, family: Family) -> Colour {
    let [hue, saturation, lightness] = family.map(|(low, high)| rng.random_range(low..high));
    Colour::from_hsl(hue, saturation, lightness)
}

/// Least difference in luma between a plant and what lies behind it; less would hide the plant altogether.
const CONTRAST: f32 = 0.32;

/// `colour`, made lighter or darker until it stands out from `ground`.
fn apart_from(ground: Colour, colour: Colour) -> Colour {
    let step =
        if colour.luma() >= ground.luma() && ground.luma() < 0.65 || ground.luma() < 0.35 { 0.15 } else { -0.15 };
    let mut result = colour;
    // Eight steps of 15 % reach from any colour to near white or near black.
    for _ in 0..8 {
        if (result.luma() - ground.luma()).abs() >= CONTRAST {
            break;
        }
        result = result.lit(step);
    }
    result
}
