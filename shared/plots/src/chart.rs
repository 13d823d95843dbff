//! Axes: a frame in which numbers have a place.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::style::{Color as _, TRANSPARENT};

use crate::error::Error;
use crate::page::{Page, Place, Writing, units};
use crate::sheet::{Sheet, UNITS};
use crate::style::{GRID, INK, SMALL, TEXT, whole_percent};

/// One axis.
pub(crate) struct Axis {
    /// What it measures, and in what.
    pub(crate) name: &'static str,
    pub(crate) range: Range<f64>,
    /// The numbers that are marked.
    pub(crate) marks: Vec<f64>,
    pub(crate) label: fn(f64) -> String,
}

impl Axis {
    /// Shares from 0 to 1, as percentages.
    pub(crate) fn shares(name: &'static str) -> Self {
        let marks = (0..=5).map(|fifth| f64::from(fifth) / 5.0).collect();
        Self { name, range: 0.0..1.0, marks, label: whole_percent }
    }

    /// The same marks without a word: what they are is said at another axis.
    pub(crate) fn silent(self) -> Self {
        Self { name: "", label: |_| String::new(), ..self }
    }

    /// Numbers from `low` to `high` and a little more, about `count` of them marked at 1, 2 or 5 of a power of ten. What is
    /// not a number counts as 0 to 1.
    pub(crate) fn covering(name: &'static str, low: f64, high: f64, count: u32, label: fn(f64) -> String) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() && low <= high { (low, high) } else { (0.0, 1.0) };
        let step = step((high - low) / f64::from(count.max(1)));
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let last = if last > first { last } else { first + 1.0 };
        let marks: Vec<f64> = (0..=(last - first) as u32).map(|mark| (first + f64::from(mark)) * step).collect();
        Self { name, range: first * step..last * step, marks, label }
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `wanted`.
fn step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.max(1e-9).log10().floor());
    let fits = [1.0, 2.0, 5.0].into_iter().find(|part| part * power >= wanted * (1.0 - 1e-9));
    fits.unwrap_or(10.0) * power
}

/// An axis as plotters wants it.
struct Marked {
    range: Range<f64>,
    marks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        // What is no number becomes 0.
        low + (share.clamp(0.0, 1.0) * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// A frame with its axes drawn.
pub(crate) struct Chart<'a>(ChartContext<'a, Sheet<'a>, Cartesian2d<Marked, Marked>>);

/// Pixels to the left of a frame for its axis, and below it.
pub(crate) const LEFT: f64 = 68.0;
pub(crate) const BELOW: f64 = 50.0;

impl<'a> Chart<'a> {
    /// Draws the axes of a frame whose upper left corner and size are given in pixels.
    pub(crate) fn new(
        page: &Page<'_, 'a>,
        (left, top): Place,
        (width, height): (f64, f64),
        x: &Axis,
        y: &Axis,
    ) -> Result<Self, Error> {
        let corner = (units(left - LEFT), units(top));
        let size = (units(width + LEFT), units(height + BELOW));
        let area = page.area.clone().shrink(corner, size);
        let marked = |axis: &Axis| Marked { range: axis.range.clone(), marks: axis.marks.clone() };
        let mut context = ChartBuilder::on(&area)
            .x_label_area_size(units(BELOW))
            .y_label_area_size(units(LEFT))
            .build_cartesian_2d(marked(x), marked(y))?;
        context
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(UNITS))
            .axis_style(INK.stroke_width(UNITS))
            .set_all_tick_mark_size(units(4.0))
            .label_style(Writing::new(SMALL).style())
            .axis_desc_style(Writing::new(TEXT).style())
            .x_label_formatter(&|value| (x.label)(*value))
            .y_label_formatter(&|value| (y.label)(*value))
            .x_desc(x.name)
            .y_desc(y.name)
            .draw()?;
        Ok(Self(context))
    }

    /// Where two numbers are, in pixels; numbers beyond an axis are at its end.
    pub(crate) fn place(&self, x: f64, y: f64) -> Place {
        let (x, y) = self.0.plotting_area().map_coordinate(&(x, y));
        (f64::from(x) / f64::from(UNITS), f64::from(y) / f64::from(UNITS))
    }
}
