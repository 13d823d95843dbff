//! Shapes and texts on a sheet, placed in pixels of the reader's from its upper left corner.

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, TextStyle};

use crate::error::Error;
use crate::font::Face;
use crate::sheet::{Area, Medium, UNITS, font_size};
use crate::style::{GREY, INK, TEXT, TITLE, WHITE};

/// A place in pixels: from the left, and from the top.
pub(crate) type Place = (f64, f64);

/// Pixels as units of the sheet.
pub(crate) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

fn at((x, y): Place) -> (i32, i32) {
    (units(x), units(y))
}

/// A sheet to draw on.
pub(crate) struct Page<'p, 'a> {
    pub(crate) area: &'p Area<'a>,
    pub(crate) medium: Medium,
    pub(crate) face: &'p Face,
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) color: RGBColor,
    /// In pixels.
    pub(crate) width: f64,
}

impl Stroke {
    pub(crate) const fn new(color: RGBColor, width: f64) -> Self {
        Self { color, width }
    }
}

/// How a text is written, and which of its points is placed.
#[derive(Clone, Copy)]
pub(crate) struct Writing {
    size: f64,
    color: RGBColor,
    across: HPos,
    down: VPos,
    is_upright: bool,
}

impl Writing {
    /// From the left, the middle of its height placed.
    pub(crate) const fn new(size: f64) -> Self {
        Self { size, color: INK, across: HPos::Left, down: VPos::Center, is_upright: false }
    }

    pub(crate) const fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    pub(crate) const fn centred(self) -> Self {
        Self { across: HPos::Center, ..self }
    }

    pub(crate) const fn to_the_left(self) -> Self {
        Self { across: HPos::Right, ..self }
    }

    /// Read from below.
    pub(crate) const fn upright(self) -> Self {
        Self { is_upright: true, ..self }
    }

    pub(crate) fn style(self) -> TextStyle<'static> {
        let size = font_size(self.size * f64::from(UNITS));
        let font = FontDesc::new(FontFamily::SansSerif, size, FontStyle::Normal);
        let turn = if self.is_upright { FontTransform::Rotate270 } else { FontTransform::None };
        let color = self.color.to_backend_color();
        TextStyle { font: font.transform(turn), color, pos: Pos::new(self.across, self.down) }
    }
}

/// What stands above a figure: a title, and lines under it.
pub(crate) struct Heading {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<String>,
}

impl Heading {
    /// The longest line of a heading, in pixels.
    const LONGEST: f64 = 860.0;

    /// Its height in pixels.
    pub(crate) fn height(&self) -> f64 {
        52.0 + 18.0 * self.lines.len() as f64
    }

    /// The size in pixels of a sheet that has it above a figure of so many.
    pub(crate) fn sheet(&self, face: &Face, (width, height): (f64, f64)) -> (u32, u32) {
        let lines = self.lines.iter().map(|line| face.width(line, TEXT)).fold(0.0, f64::max);
        let width = (width + 2.0 * MARGIN).max(lines.min(Self::LONGEST) + 2.0 * MARGIN + 1.0);
        (width.ceil() as u32, (self.height() + height + MARGIN).ceil() as u32)
    }
}

impl Page<'_, '_> {
    /// Makes the sheet white and writes a heading on it.
    pub(crate) fn begin(&self, heading: &Heading) -> Result<(), Error> {
        self.area.fill(&WHITE)?;
        let width = f64::from(self.area.dim_in_pixel().0 / UNITS) - 2.0 * MARGIN;
        self.text((MARGIN, 28.0), heading.title, Writing::new(TITLE))?;
        for (row, line) in heading.lines.iter().enumerate() {
            let line = self.face.shorten(line, TEXT, width);
            self.text((MARGIN, 54.0 + 18.0 * row as f64), &line, Writing::new(TEXT).color(GREY))?;
        }
        Ok(())
    }

    pub(crate) fn text(&self, place: Place, text: &str, writing: Writing) -> Result<(), Error> {
        Ok(self.area.draw_text(text, &writing.style(), at(place))?)
    }

    pub(crate) fn rectangle(&self, from: Place, to: Place, color: RGBColor) -> Result<(), Error> {
        Ok(self.area.draw(&Rectangle::new([at(from), at(to)], color.filled()))?)
    }

    pub(crate) fn circle(&self, centre: Place, radius: f64, color: RGBColor) -> Result<(), Error> {
        Ok(self.area.draw(&Circle::new(at(centre), units(radius), color.filled()))?)
    }

    pub(crate) fn line(&self, places: &[Place], stroke: Stroke) -> Result<(), Error> {
        let places: Vec<(i32, i32)> = places.iter().copied().map(at).collect();
        let style = stroke.color.stroke_width(units(stroke.width).max(1).unsigned_abs());
        Ok(self.area.draw(&PathElement::new(places, style))?)
    }

    /// A line of dashes, each `dash` pixels long and half as far from the next.
    pub(crate) fn dashed(&self, places: &[Place], dash: f64, stroke: Stroke) -> Result<(), Error> {
        dashes(places, dash).iter().try_for_each(|dash| self.line(dash, stroke))
    }

    /// An interval from one place to another, upright or level, with a mark of so many pixels at each end.
    pub(crate) fn whisker(&self, from: Place, to: Place, mark: f64, stroke: Stroke) -> Result<(), Error> {
        let is_level = (from.1 - to.1).abs() < (from.0 - to.0).abs();
        let (dx, dy) = if is_level { (0.0, mark / 2.0) } else { (mark / 2.0, 0.0) };
        self.line(&[from, to], stroke)?;
        [from, to].iter().try_for_each(|end| self.line(&[(end.0 - dx, end.1 - dy), (end.0 + dx, end.1 + dy)], stroke))
    }
}

/// From the edge of a sheet to what is on it.
pub(crate) const MARGIN: f64 = 24.0;

fn dashes(places: &[Place], dash: f64) -> Vec<Vec<Place>> {
    let mut found = Vec::new();
    let mut current: Vec<Place> = places.first().copied().into_iter().collect();
    let (mut is_on, mut left) = (true, dash);
    for pair in places.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = dx.hypot(dy);
            // What is no number ends here too.
            if length <= left || length.is_nan() {
                left -= length;
                if is_on {
                    current.push(to);
                }
                break;
            }
            from = (from.0 + dx * left / length, from.1 + dy * left / length);
            if is_on {
                current.push(from);
                found.push(std::mem::take(&mut current));
            } else {
                current = vec![from];
            }
            is_on = !is_on;
            left = if is_on { dash } else { dash / 2.0 };
        }
    }
    if current.len() > 1 {
        found.push(current);
    }
    found
}
