//! What cross-validation said in a training: accuracy and loss by the strength of the penalty.

use pappus_domain::Manifest;
use pappus_domain::validation::{Validation, ValidationCurve, ValidationPoint};
use plotters::style::RGBColor;

use crate::chart::{Axis, BELOW, Chart, LEFT};
use crate::error::Error;
use crate::font::Face;
use crate::page::{Heading, MARGIN, Page, Place, Stroke, Writing};
use crate::sheet::{Drawing, draw};
use crate::style::{BLUE, GREY, INK, PALE, PALETTE, SMALL, TEXT, percent};

/// The width and height of each of the two diagrams, and what is between them, in pixels.
const FRAME: (f64, f64) = (600.0, 230.0);
const BETWEEN: f64 = 24.0;
/// Above the diagrams: for what is written at the strength that was chosen.
const ABOVE: f64 = 34.0;
/// The height of a line under the diagrams, and the most of them.
const LINE: f64 = 22.0;
const NAMED: usize = 12;

/// Draws, for each way of learning that was tried, the cross-validated accuracy and logarithmic loss by the strength of the
/// penalty; for the one that was kept with a standard deviation each way.
///
/// # Errors
/// [`Error`].
pub fn training(manifest: &Manifest, validation: &Validation) -> Result<Drawing, Error> {
    let Validation { folds, repeats, images, .. } = validation;
    let lines = vec![
        format!("{} {}, {images} training images", manifest.name, manifest.version),
        format!("{folds} folds, {repeats} times; bars: one standard deviation from fold to fold, each way"),
    ];
    let heading = Heading { title: "Cross-validation", lines };
    let named = validation.curves.len().min(NAMED + 1) as f64;
    let size = (LEFT + FRAME.0 + 16.0, ABOVE + 2.0 * FRAME.1 + BETWEEN + BELOW + 26.0 + LINE * named);
    let face = Face::load()?;
    draw(heading.sheet(&face, size), &[], |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        Figure { page: &page, validation }.draw((MARGIN + LEFT, heading.height() + ABOVE))
    })
}

/// A figure of a point, and its deviation.
type Measure = fn(&ValidationPoint) -> (f64, f64);

struct Figure<'f, 'p, 'a> {
    page: &'f Page<'p, 'a>,
    validation: &'f Validation,
}

impl Figure<'_, '_, '_> {
    fn draw(&self, (left, top): Place) -> Result<(), Error> {
        let accuracy: Measure = |point| (point.accuracy, point.accuracy_deviation);
        let loss: Measure = |point| (point.log_loss, point.log_loss_deviation);
        let (low, high) = self.extent(accuracy);
        let shares = Axis::covering("accuracy", low.max(0.0), high.min(1.0), 4, |share| {
            format!("{:.4}", 100.0 * share).trim_end_matches('0').trim_end_matches('.').to_owned() + " %"
        });
        let (low, high) = self.extent(loss);
        let losses = Axis::covering("logarithmic loss", low.max(0.0), high, 4, short);
        let strengths = self.strengths();
        let second = top + FRAME.1 + BETWEEN;
        let upper = Chart::new(self.page, (left, top), FRAME, &self.strengths().silent(), &shares)?;
        let lower = Chart::new(self.page, (left, second), FRAME, &strengths, &losses)?;
        self.chosen(&[(&upper, top), (&lower, second)])?;
        for (chart, measure) in [(&upper, accuracy), (&lower, loss)] {
            let kept = self.validation.kept;
            let others = self.validation.curves.iter().enumerate().filter(|(index, _)| *index != kept);
            others.rev().try_for_each(|(index, curve)| self.curve(chart, curve, measure, self.color(index), false))?;
            if let Some(curve) = self.validation.curves.get(kept) {
                self.curve(chart, curve, measure, BLUE, true)?;
            }
        }
        self.names((left - LEFT, second + FRAME.1 + BELOW + 26.0))
    }

    fn points(&self) -> impl Iterator<Item = &ValidationPoint> {
        self.validation.curves.iter().flat_map(|curve| &curve.points)
    }

    /// The least and the greatest number that is drawn.
    fn extent(&self, measure: Measure) -> (f64, f64) {
        let kept = self.validation.curves.get(self.validation.kept);
        let deviations = kept.into_iter().flat_map(|curve| &curve.points).map(measure);
        let ends = deviations.flat_map(|(value, deviation)| [value - deviation, value + deviation]);
        let values = ends.chain(self.points().map(|point| measure(point).0)).filter(|value| value.is_finite());
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    }

    /// The axis of strengths: each power of ten is marked.
    fn strengths(&self) -> Axis {
        let powers = self.points().map(|point| point.lambda.log10()).filter(|power| power.is_finite());
        let (low, high) =
            powers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), power| (low.min(power), high.max(power)));
        let (low, high) = if low <= high { (low, high) } else { (-3.0, -1.0) };
        let marks = (low.floor() as i32..=high.ceil() as i32).map(f64::from);
        let range = low - 0.2..high + 0.2;
        let marks = marks.filter(|mark| range.contains(mark)).collect();
        Axis { name: "strength of the penalty, λ", range, marks, label: power_of_ten }
    }

    /// The colour of the one that was kept is its own.
    fn color(&self, curve: usize) -> RGBColor {
        let kept = self.validation.kept;
        let rank = if curve < kept { curve } else { curve.saturating_sub(1) };
        PALETTE[1..].get(rank).copied().unwrap_or(PALE)
    }

    fn curve(
        &self,
        chart: &Chart<'_>,
        curve: &ValidationCurve,
        measure: Measure,
        color: RGBColor,
        is_kept: bool,
    ) -> Result<(), Error> {
        let page = self.page;
        let points = curve.points.iter().map(|point| (point.lambda.log10(), measure(point)));
        let points: Vec<_> = points.filter(|(power, (value, _))| power.is_finite() && value.is_finite()).collect();
        let places: Vec<Place> = points.iter().map(|(power, (value, _))| chart.place(*power, *value)).collect();
        let (width, radius) = if is_kept { (2.5, 4.5) } else { (1.25, 2.5) };
        page.line(&places, Stroke::new(color, width))?;
        for ((power, (value, deviation)), place) in points.iter().zip(&places) {
            if is_kept && deviation.is_finite() {
                let (low, high) = (chart.place(*power, value - deviation), chart.place(*power, value + deviation));
                page.whisker(low, high, 8.0, Stroke::new(INK, 1.0))?;
            }
            page.circle(*place, radius, color)?;
        }
        Ok(())
    }

    /// Marks the strength that was chosen.
    fn chosen(&self, charts: &[(&Chart<'_>, f64)]) -> Result<(), Error> {
        let best = self.validation.curves.get(self.validation.kept).and_then(ValidationCurve::best);
        let Some(best) = best.filter(|best| best.lambda.log10().is_finite()) else { return Ok(()) };
        for (index, (chart, top)) in charts.iter().enumerate() {
            let x = chart.place(best.lambda.log10(), 0.0).0;
            self.page.dashed(&[(x, *top), (x, top + FRAME.1)], 5.0, Stroke::new(GREY, 1.25))?;
            if index == 0 {
                let text = format!("chosen: λ = {}", short(best.lambda));
                self.page.text((x, top - 12.0), &text, Writing::new(SMALL).color(GREY).centred())?;
            }
        }
        Ok(())
    }

    /// What each line is, the one that was kept first.
    fn names(&self, (left, top): Place) -> Result<(), Error> {
        let (page, validation) = (self.page, self.validation);
        let kept = validation.kept;
        let others = (0..validation.curves.len()).filter(|index| *index != kept);
        let order: Vec<usize> = (0..validation.curves.len()).filter(|index| *index == kept).chain(others).collect();
        for (row, index) in order.iter().take(NAMED).enumerate() {
            let y = top + LINE * row as f64;
            let (color, width) = if *index == kept { (BLUE, 2.5) } else { (self.color(*index), 1.25) };
            page.line(&[(left, y), (left + 26.0, y)], Stroke::new(color, width))?;
            page.circle((left + 13.0, y), if *index == kept { 4.5 } else { 2.5 }, color)?;
            let curve = &validation.curves[*index];
            let figures = curve.best().map_or_else(String::new, |best| {
                format!("accuracy {}, loss {:.3}", percent(best.accuracy), best.log_loss)
            });
            let right = left + LEFT + FRAME.0;
            let room = right - left - 36.0 - page.face.width(&figures, SMALL) - 20.0;
            let name = if *index == kept { format!("{}, kept", curve.candidate) } else { curve.candidate.clone() };
            page.text((left + 36.0, y), &page.face.shorten(&name, TEXT, room), Writing::new(TEXT))?;
            page.text((right, y), &figures, Writing::new(SMALL).color(GREY).to_the_left())?;
        }
        if order.len() > NAMED {
            let y = top + LINE * NAMED as f64;
            let rest = format!("and {} more", order.len() - NAMED);
            page.text((left + 36.0, y), &rest, Writing::new(TEXT).color(GREY))?;
        }
        Ok(())
    }
}

/// A number with two digits that count.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    rounded.to_string()
}

/// Such as `10⁻³`.
fn power_of_ten(power: f64) -> String {
    let superscript = |letter: char| match letter {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(digit),
    };
    format!("10{}", format!("{power:.0}").chars().map(superscript).collect::<String>())
}
