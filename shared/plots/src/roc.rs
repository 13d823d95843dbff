//! ROC curves: how well the probability of each class tells its images from the others.

use pappus_domain::stats::{Interval, Roc, RocPoint};
use pappus_domain::verdict::Evaluation;

use crate::caption::caption;
use crate::chart::{Axis, BELOW, Chart, LEFT};
use crate::error::Error;
use crate::font::Face;
use crate::names::Names;
use crate::page::{Heading, MARGIN, Page, Place, Stroke, Writing};
use crate::sheet::{Drawing, draw};
use crate::style::{GREY, PALE, PALETTE, SMALL, TEXT};

/// The width and height of the diagram, in pixels.
const SIDE: f64 = 440.0;
/// The longest name, and the width of all that is beside the diagram, in pixels.
const NAME: f64 = 170.0;
const BESIDE: f64 = 380.0;
/// The height of a line beside the diagram.
const LINE: f64 = 24.0;
/// The most classes that each have a colour; of more, only some of the lowest have one.
const COLOURED: usize = PALETTE.len();
const LOWEST: usize = 5;
/// The most curves that are drawn in grey.
const GREYS: usize = 60;
/// Points that are closer than this, in both directions, look like one.
const CLOSE: f64 = 1.0 / 800.0;

/// Draws the curves of classes, each against all others; of two classes one curve, for the other is its mirror image. A
/// class without test images has no curve. Curves are taken one by one, and only what can be seen of them is kept.
///
/// # Errors
/// [`Error`].
pub fn roc(evaluation: &Evaluation, curves: impl IntoIterator<Item = Roc>) -> Result<Drawing, Error> {
    let report = &evaluation.report;
    let classes = report.classes.len();
    let most = if classes == 2 { 1 } else { usize::MAX };
    let mut curves: Vec<Curve> = curves.into_iter().take(most).map(Curve::of).collect();
    let mut lines = vec![caption(evaluation)];
    let mean = curves.iter().map(|curve| curve.auc.value).sum::<f64>() / curves.len().max(1) as f64;
    if curves.len() > 1 {
        lines.push(format!("each class against all others; mean area under the curve (AUC) {mean:.3}"));
    }
    if curves.len() > COLOURED {
        curves.sort_by(|a, b| a.auc.value.total_cmp(&b.auc.value));
    }
    let face = Face::load()?;
    let names = Names::new(&face, report.classes.iter().map(|class| &class.label));
    let heading = Heading { title: "ROC curves", lines };
    let size = (LEFT + SIDE + 20.0 + BESIDE, 16.0 + SIDE + BELOW);
    draw(heading.sheet(&face, size), &[], |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        let figure = Figure { page: &page, names: &names, classes, curves: &curves };
        let corner = (MARGIN + LEFT, heading.height() + 16.0);
        figure.diagram(corner)?;
        figure.beside((corner.0 + SIDE + 28.0, corner.1 + 10.0))
    })
}

/// What is kept of a curve.
struct Curve {
    class: usize,
    points: Vec<RocPoint>,
    auc: Interval,
}

impl Curve {
    fn of(roc: Roc) -> Self {
        let mut points: Vec<RocPoint> = Vec::new();
        let last = roc.points.last().copied();
        for point in roc.points {
            let is_close = |a: f64, b: f64| (a - b).abs() < CLOSE;
            let is_seen = points.last().is_none_or(|kept| {
                !is_close(kept.false_positives, point.false_positives)
                    || !is_close(kept.true_positives, point.true_positives)
            });
            // On the way straight on, the last point takes the place of the one before.
            if let [.., before, kept] = points.as_slice()
                && (before.false_positives == kept.false_positives && kept.false_positives == point.false_positives
                    || before.true_positives == kept.true_positives && kept.true_positives == point.true_positives)
            {
                points.pop();
                points.push(point);
            } else if is_seen {
                points.push(point);
            }
        }
        points.extend(last.filter(|last| points.last() != Some(last)));
        Self { class: roc.class, points, auc: roc.auc }
    }
}

struct Figure<'f, 'p, 'a> {
    page: &'f Page<'p, 'a>,
    names: &'f Names<'f>,
    classes: usize,
    /// The lowest first, where not all have a colour.
    curves: &'f [Curve],
}

impl<'f> Figure<'f, '_, '_> {
    /// The curves that have a colour.
    fn coloured(&self) -> impl Iterator<Item = (&'f Curve, plotters::style::RGBColor)> + Clone + use<'f> {
        let count = if self.curves.len() > COLOURED { LOWEST } else { self.curves.len() };
        self.curves.iter().zip(PALETTE).take(count)
    }

    fn diagram(&self, corner: Place) -> Result<(), Error> {
        let page = self.page;
        let x = Axis::shares("false positives: other images said to be of the class");
        let y = Axis::shares("true positives: images of the class said to be so");
        let chart = Chart::new(page, corner, (SIDE, SIDE), &x, &y)?;
        page.dashed(&[chart.place(0.0, 0.0), chart.place(1.0, 1.0)], 6.0, Stroke::new(PALE, 1.5))?;
        let draw = |curve: &Curve, stroke| {
            let places = curve.points.iter().map(|point| chart.place(point.false_positives, point.true_positives));
            page.line(&places.collect::<Vec<_>>(), stroke)
        };
        let grey = &self.curves[self.coloured().count()..];
        let every = grey.len().div_ceil(GREYS).max(1);
        grey.iter().step_by(every).try_for_each(|curve| draw(curve, Stroke::new(PALE, 0.75)))?;
        // The first on top.
        let coloured: Vec<_> = self.coloured().collect();
        coloured.into_iter().rev().try_for_each(|(curve, color)| draw(curve, Stroke::new(color, 2.0)))
    }

    fn beside(&self, (left, top): Place) -> Result<(), Error> {
        let page = self.page;
        let (written, small) = (Writing::new(TEXT), Writing::new(SMALL).color(GREY));
        let (figures, mut y) = (left + 32.0 + NAME + 14.0, top);
        page.text((figures, y), "AUC (95 % interval)", small)?;
        if self.coloured().count() < self.curves.len() {
            page.text((left, y), &format!("the lowest of {} classes", self.curves.len()), small)?;
        }
        for (curve, color) in self.coloured() {
            y += LINE;
            page.line(&[(left, y), (left + 24.0, y)], Stroke::new(color, 2.5))?;
            let name = match self.classes {
                2 => format!("{} against {}", self.name(curve.class, 0.4), self.name(1 - curve.class.min(1), 0.3)),
                _ => self.name(curve.class, 1.0),
            };
            page.text((left + 32.0, y), &name, written)?;
            let Interval { value, low, high } = curve.auc;
            page.text((figures, y), &format!("{value:.3} ({low:.3} to {high:.3})"), written)?;
        }
        if self.coloured().count() < self.curves.len() {
            y += LINE;
            page.line(&[(left, y), (left + 24.0, y)], Stroke::new(PALE, 1.0))?;
            page.text((left + 32.0, y), "other classes", written)?;
        }
        y += LINE;
        page.dashed(&[(left, y), (left + 24.0, y)], 6.0, Stroke::new(PALE, 1.5))?;
        page.text((left + 32.0, y), "guessing", written)?;
        page.text((figures, y), "0.500", written)?;
        // Of two classes one curve is enough.
        let wanted = if self.classes == 2 { 1 } else { self.classes };
        if self.curves.len() < wanted {
            let missing = format!("{} of {wanted} have no curve: too few test images", wanted - self.curves.len());
            page.text((left, y + LINE), &missing, small)?;
        }
        Ok(())
    }

    /// The name of a class within a part of the width of names.
    fn name(&self, class: usize, part: f64) -> String {
        self.names.get(class, self.page.medium, TEXT, NAME * part)
    }
}
