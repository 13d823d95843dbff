//! Letters: how wide a text is, and its pixels.
//!
//! The SVG names the reader's own sans serif and is laid out as if it were this one, which is among the widest. The PNG is
//! drawn with it: plotters' own text drops the bearing of every letter.

use ab_glyph::{Font as _, FontRef, GlyphId, Point, ScaleFont as _};

use crate::error::Error;

/// A subset of DejaVu Sans; see `fonts/README.md`.
static DEJAVU: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// The font that every text is laid out with.
#[derive(Clone)]
pub(crate) struct Face(FontRef<'static>);

impl Face {
    pub(crate) fn load() -> Result<Self, Error> {
        Ok(Self(FontRef::try_from_slice(DEJAVU)?))
    }

    /// Whether it has a letter.
    pub(crate) fn has(&self, letter: char) -> bool {
        letter == ' ' || self.0.glyph_id(letter) != GlyphId(0)
    }

    /// The width of a text with letters of `size`: what one em is, in any unit.
    pub(crate) fn width(&self, text: &str, size: f64) -> f64 {
        let font = self.0.as_scaled(self.scale(size));
        let of = |letter| {
            // Scripts that this font lacks have letters as wide as high, for the most part.
            if self.has(letter) { f64::from(font.h_advance(font.glyph_id(letter))) } else { size }
        };
        text.chars().map(of).sum()
    }

    /// The part of a text that is at most `width` wide: where it is too long, the middle is left out, since names differ
    /// at their ends.
    pub(crate) fn shorten(&self, text: &str, size: f64, width: f64) -> String {
        if self.width(text, size) <= width {
            return text.into();
        }
        let letters: Vec<char> = text.chars().collect();
        let shortened = |kept: usize| -> String {
            let head = kept - kept / 3;
            let tail = &letters[letters.len() - kept / 3..];
            letters[..head].iter().chain(&['…']).chain(tail).collect()
        };
        let fits = (1..letters.len()).rev().map(shortened).find(|text| self.width(text, size) <= width);
        fits.unwrap_or_else(|| "…".into())
    }

    /// Calls `dot` with every pixel of a text, its place relative to the beginning of the base line, and how much of it is
    /// covered.
    pub(crate) fn draw<E>(
        &self,
        text: &str,
        size: f64,
        mut dot: impl FnMut(i32, i32, f32) -> Result<(), E>,
    ) -> Result<(), E> {
        let scale = self.scale(size);
        let font = self.0.as_scaled(scale);
        let mut x = 0.0;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            if let Some(outline) = self.0.outline_glyph(id.with_scale_and_position(scale, Point { x, y: 0.0 })) {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
                let mut covered = Vec::new();
                outline.draw(|x, y, part| covered.push((x as i32, y as i32, part.clamp(0.0, 1.0))));
                covered
                    .into_iter()
                    .filter(|(_, _, part)| *part > 0.0)
                    .try_for_each(|(x, y, part)| dot(left + x, top + y, part))?;
            }
            x += font.h_advance(id);
        }
        Ok(())
    }

    /// The library scales by the height of a line, not by the em.
    fn scale(&self, em: f64) -> f32 {
        let per_em = self.0.units_per_em().unwrap_or(2048.0);
        em as f32 * self.0.height_unscaled() / per_em
    }
}
