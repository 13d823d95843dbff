//! The reliability diagram: whether a model that says 90 % is right nine times of ten.

use pappus_domain::stats::CalibrationBin;
use pappus_domain::verdict::Evaluation;

use crate::caption::caption;
use crate::chart::{Axis, BELOW, Chart, LEFT};
use crate::error::Error;
use crate::font::Face;
use crate::page::{Heading, MARGIN, Page, Stroke, Writing};
use crate::sheet::{Drawing, draw};
use crate::style::{BLUE, GREY, INK, SMALL, TEXT, percent, tint};

/// The width and height of the diagram, and the height of the counts under it, in pixels.
const FRAME: (f64, f64) = (520.0, 380.0);
const COUNTS: f64 = 110.0;
/// Above the diagram: for what its signs mean; and between it and the counts.
const ABOVE: f64 = 40.0;
const BETWEEN: f64 = 30.0;

/// Draws how often answers of each certainty are right, each with its 95 % interval, and how many there are of each.
///
/// # Errors
/// [`Error`].
pub fn reliability(evaluation: &Evaluation) -> Result<Drawing, Error> {
    let calibration = &evaluation.report.calibration;
    let error = percent(calibration.error);
    let error = format!("expected calibration error {error}: stated and true certainty differ by so much on average");
    let heading = Heading { title: "Reliability", lines: vec![caption(evaluation), error] };
    let size = (LEFT + FRAME.0 + 16.0, ABOVE + FRAME.1 + BETWEEN + COUNTS + BELOW);
    let face = Face::load()?;
    draw(heading.sheet(&face, size), &[], |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        let (left, top) = (MARGIN + LEFT, heading.height() + ABOVE);
        key(&page, (left, heading.height() + 18.0))?;
        diagram(&page, (left, top), &calibration.bins)?;
        counts(&page, (left, top + FRAME.1 + BETWEEN), &calibration.bins)
    })
}

fn key(page: &Page<'_, '_>, (left, y): (f64, f64)) -> Result<(), Error> {
    dot(page, (left + 8.0, y), (y - 9.0, y + 9.0))?;
    page.text((left + 22.0, y), "share of right answers, 95 % interval", Writing::new(TEXT))?;
    let x = left + 22.0 + page.face.width("share of right answers, 95 % interval", TEXT) + 24.0;
    page.dashed(&[(x, y), (x + 30.0, y)], 6.0, Stroke::new(GREY, 1.5))?;
    page.text((x + 38.0, y), "as sure as right", Writing::new(TEXT))
}

fn dot(page: &Page<'_, '_>, place: (f64, f64), (low, high): (f64, f64)) -> Result<(), Error> {
    page.whisker((place.0, low), (place.0, high), 7.0, Stroke::new(INK, 1.0))?;
    page.circle(place, 4.5, BLUE)
}

fn diagram(page: &Page<'_, '_>, corner: (f64, f64), bins: &[CalibrationBin]) -> Result<(), Error> {
    let certainty = Axis::shares("").silent();
    let chart = Chart::new(page, corner, FRAME, &certainty, &Axis::shares("right answers"))?;
    for bin in bins {
        let (from, to) = (chart.place(bin.above, bin.accuracy.value), chart.place(bin.up_to, 0.0));
        page.rectangle((from.0 + 1.0, from.1), (to.0 - 1.0, to.1 - 0.5), tint(BLUE, 0.78))?;
    }
    page.dashed(&[chart.place(0.0, 0.0), chart.place(1.0, 1.0)], 6.0, Stroke::new(GREY, 1.5))?;
    bins.iter().try_for_each(|bin| {
        let at = |share| chart.place(bin.confidence, share);
        dot(page, at(bin.accuracy.value), (at(bin.accuracy.low).1, at(bin.accuracy.high).1))
    })
}

fn counts(page: &Page<'_, '_>, corner: (f64, f64), bins: &[CalibrationBin]) -> Result<(), Error> {
    let most = bins.iter().map(|bin| bin.accuracy.of).max().unwrap_or(0);
    // Room for the figure over the highest.
    let images = Axis::covering("images", 0.0, 1.15 * most as f64, 3, |count| format!("{count:.0}"));
    let certainty = Axis::shares("certainty: the probability of the answered class");
    let chart = Chart::new(page, corner, (FRAME.0, COUNTS), &certainty, &images)?;
    bins.iter().try_for_each(|bin| {
        let (from, to) = (chart.place(bin.above, bin.accuracy.of as f64), chart.place(bin.up_to, 0.0));
        page.rectangle((from.0 + 1.0, from.1), (to.0 - 1.0, to.1 - 0.5), tint(BLUE, 0.35))?;
        let centre = f64::midpoint(from.0, to.0);
        page.text((centre, from.1 - 8.0), &bin.accuracy.of.to_string(), Writing::new(SMALL).centred())
    })
}
