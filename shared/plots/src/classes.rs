//! Precision, recall and F1 of each class, with how little is known of each.

use pappus_domain::stats::{ClassReport, Interval, Proportion, Report};
use pappus_domain::verdict::Evaluation;

use crate::caption::caption;
use crate::error::Error;
use crate::font::Face;
use crate::names::Names;
use crate::page::{Heading, MARGIN, Page, Stroke, Writing};
use crate::sheet::{Drawing, draw};
use crate::style::{GREY, GRID, INK, PALE, PALETTE, SMALL, TEXT, percent, whole_percent};

/// The most classes that are drawn.
const MOST: usize = 40;
/// The longest name, and the length of a bar of 100 %, in pixels.
const NAME: f64 = 190.0;
const BAR: f64 = 380.0;
/// From one column of figures to the next, and the first to the bars, in pixels.
const COLUMN: f64 = 64.0;
const FIGURES: f64 = 4.0;
const KINDS: [&str; 3] = ["precision", "recall", "F1"];

/// Draws a bar for the precision, the recall and F1 of each class, each with its 95 % interval, and their means.
///
/// # Errors
/// [`Error`].
pub fn classes(evaluation: &Evaluation) -> Result<Drawing, Error> {
    let report = &evaluation.report;
    let face = Face::load()?;
    let names = Names::new(&face, report.classes.iter().map(|class| &class.label));
    let shown = shown(report);
    let mut lines = vec![caption(evaluation)];
    if shown.len() < report.classes.len() {
        lines.push(format!(
            "the {} of {} classes with the lowest F1, and the mean of all",
            shown.len(),
            report.classes.len()
        ));
    }
    let heading = Heading { title: "Precision, recall and F1 by class", lines };
    let layout = Layout::new(&names, &shown);
    draw(heading.sheet(&face, layout.size()), &[], |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        Figure { page: &page, report, names: &names, shown: &shown, layout: &layout }.draw(heading.height())
    })
}

/// All classes, or those with the lowest F1, in their order.
fn shown(report: &Report) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..report.classes.len()).collect();
    if classes.len() > MOST {
        classes.sort_by(|a, b| report.classes[*a].f1.total_cmp(&report.classes[*b].f1));
        classes.truncate(MOST);
        classes.sort_unstable();
    }
    classes
}

struct Layout {
    letters: f64,
    /// The height of one class, and of one of its bars.
    row: f64,
    bar: f64,
    left: f64,
    rows: usize,
}

impl Layout {
    /// Above the bars: for what the colours mean.
    const ABOVE: f64 = 44.0;
    /// Below them: for the axis.
    const BELOW: f64 = 46.0;

    fn new(names: &Names<'_>, shown: &[usize]) -> Self {
        let (row, bar, letters) = if shown.len() <= 12 { (48.0, 11.0, TEXT) } else { (27.0, 7.0, SMALL) };
        let name = names.width(shown.iter().copied(), letters, NAME).max(86.0);
        Self { letters, row, bar, left: MARGIN + name + 10.0, rows: shown.len() + 1 }
    }

    fn size(&self) -> (f64, f64) {
        let figures = FIGURES + 3.0 * COLUMN + 64.0;
        (self.left - MARGIN + BAR + figures, Self::ABOVE + self.rows as f64 * self.row + Self::BELOW)
    }
}

struct Figure<'f, 'p, 'a> {
    page: &'f Page<'p, 'a>,
    report: &'f Report,
    names: &'f Names<'f>,
    shown: &'f [usize],
    layout: &'f Layout,
}

impl Figure<'_, '_, '_> {
    fn draw(&self, heading: f64) -> Result<(), Error> {
        let Self { page, report, layout, .. } = self;
        let top = heading + Layout::ABOVE;
        let bottom = top + layout.rows as f64 * layout.row;
        self.key(heading + 18.0)?;
        self.axis(top, bottom)?;
        for (row, class) in self.shown.iter().enumerate() {
            let middle = top + (row as f64 + 0.5) * layout.row;
            self.class(*class, &report.classes[*class], middle)?;
        }
        let divide = bottom - layout.row;
        page.line(&[(MARGIN, divide), (self.figure(3) + 10.0, divide)], Stroke::new(PALE, 1.0))?;
        let middle = bottom - layout.row / 2.0;
        self.named("mean", middle)?;
        let means = [report.macro_precision, report.macro_recall, report.macro_f1];
        means.iter().enumerate().try_for_each(|(kind, mean)| self.bar(kind, middle, Some(*mean)))?;
        self.images(report.images, middle)
    }

    fn class(&self, class: usize, report: &ClassReport, middle: f64) -> Result<(), Error> {
        self.named(&self.names.get(class, self.page.medium, self.layout.letters, NAME), middle)?;
        let known = |share: &Proportion| (share.of > 0).then_some(Interval::from(*share));
        let f1 = (report.support > 0).then(|| report.f1_interval());
        let bars = [known(&report.precision), known(&report.recall), f1];
        bars.into_iter().enumerate().try_for_each(|(kind, share)| self.bar(kind, middle, share))?;
        self.images(report.support, middle)
    }

    fn named(&self, name: &str, middle: f64) -> Result<(), Error> {
        self.page.text((self.layout.left - 10.0, middle), name, Writing::new(self.layout.letters).to_the_left())
    }

    fn images(&self, count: u64, middle: f64) -> Result<(), Error> {
        let written = Writing::new(SMALL).color(GREY).to_the_left();
        self.page.text((self.figure(3) + 10.0, middle), &count.to_string(), written)
    }

    /// A bar and its figure; nothing but a dash where there is nothing to measure.
    fn bar(&self, kind: usize, middle: f64, share: Option<Interval>) -> Result<(), Error> {
        let Self { page, layout, .. } = self;
        let y = middle + (kind as f64 - 1.0) * (layout.bar + 1.0);
        let written = Writing::new(SMALL).to_the_left();
        let Some(share) = share.filter(|share| share.value.is_finite()) else {
            return page.text((self.figure(kind), middle), "–", written.color(GREY));
        };
        let x = |share: f64| layout.left + BAR * share.clamp(0.0, 1.0);
        let (from, to) = (y - layout.bar / 2.0, y + layout.bar / 2.0);
        page.rectangle((layout.left, from), (x(share.value), to), PALETTE[kind])?;
        let whisker = Stroke::new(INK, 1.0);
        page.whisker((x(share.low), y), (x(share.high), y), layout.bar - 4.0, whisker)?;
        page.text((self.figure(kind), middle), &percent(share.value), written)
    }

    /// The right edge of a column of figures.
    fn figure(&self, column: usize) -> f64 {
        self.layout.left + BAR + FIGURES + COLUMN * (column + 1) as f64
    }

    /// What the colours and the columns are.
    fn key(&self, y: f64) -> Result<(), Error> {
        let Self { page, layout, .. } = self;
        let mut x = layout.left;
        for (name, color) in KINDS.into_iter().zip(PALETTE) {
            page.rectangle((x, y - 6.0), (x + 12.0, y + 6.0), color)?;
            page.text((x + 18.0, y), name, Writing::new(TEXT))?;
            x += 18.0 + page.face.width(name, TEXT) + 22.0;
        }
        page.whisker((x, y), (x + 24.0, y), 7.0, Stroke::new(INK, 1.0))?;
        page.text((x + 32.0, y), "95 % interval", Writing::new(TEXT))?;
        let written = Writing::new(SMALL).color(GREY).to_the_left();
        for (column, name) in KINDS.into_iter().enumerate() {
            page.text((self.figure(column), y + 16.0), name, written)?;
        }
        page.text((self.figure(3) + 10.0, y + 16.0), "images", written)
    }

    fn axis(&self, top: f64, bottom: f64) -> Result<(), Error> {
        let Self { page, layout, .. } = self;
        for fifth in 0..=5 {
            let share = f64::from(fifth) / 5.0;
            let x = layout.left + BAR * share;
            page.line(&[(x, top), (x, bottom)], Stroke::new(if fifth == 0 { INK } else { GRID }, 1.0))?;
            page.text((x, bottom + 16.0), &whole_percent(share), Writing::new(SMALL).centred())?;
        }
        page.text((layout.left + BAR / 2.0, bottom + 38.0), "share", Writing::new(TEXT).centred())
    }
}
