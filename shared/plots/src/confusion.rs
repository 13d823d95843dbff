//! The confusion matrix: which classes are taken for which.

use pappus_domain::stats::Report;
use pappus_domain::verdict::Evaluation;

use crate::caption::caption;
use crate::error::Error;
use crate::font::Face;
use crate::names::Names;
use crate::page::{Heading, MARGIN, Page, Writing};
use crate::sheet::{Drawing, draw};
use crate::style::{BLUE, EMPTY, GREY, INK, ORANGE, SMALL, TEXT, WHITE, tint};

/// The most rows that are drawn: more cannot be read.
const MOST: usize = 40;
/// The width and height of all cells together that is aimed at, and bounds of one, in pixels.
const MATRIX: f64 = 560.0;
const CELL: (f64, f64) = (15.0, 120.0);
/// The longest name, in pixels, beside a row and under a column.
const NAME: (f64, f64) = (180.0, 140.0);
/// The height of the bars that explain colours, in pixels.
const KEY: f64 = 180.0;

/// Draws the confusion matrix. A cell is as dark as its share of the images of its row, which is the true class: blue where
/// they were told right, orange where not.
///
/// # Errors
/// [`Error`].
pub fn confusion(evaluation: &Evaluation) -> Result<Drawing, Error> {
    let report = &evaluation.report;
    let (face, matrix) = (Face::load()?, Matrix::of(report));
    let names = Names::new(&face, report.classes.iter().map(|class| &class.label));
    let layout = Layout::new(&matrix, &names);
    let lines = std::iter::once(caption(evaluation)).chain(matrix.remark()).collect();
    let heading = Heading { title: "Confusion matrix", lines };
    draw(heading.sheet(&face, layout.size()), &[], |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        Figure { page: &page, matrix: &matrix, names: &names, layout: &layout }.draw(heading.height() + 24.0)
    })
}

/// The matrix that is drawn: of classes, or of some and the rest as one.
struct Matrix {
    /// The classes of each row.
    groups: Vec<Vec<usize>>,
    /// Images by true group (row) and answered group (column).
    counts: Vec<Vec<u64>>,
}

impl Matrix {
    fn of(report: &Report) -> Self {
        let groups = groups(report);
        let count = |rows: &[usize], columns: &[usize]| {
            let cells = rows.iter().flat_map(|row| columns.iter().map(move |column| (*row, *column)));
            cells.map(|(row, column)| images(report, row, column)).sum()
        };
        let counts = groups.iter().map(|row| groups.iter().map(|column| count(row, column)).collect()).collect();
        Self { groups, counts }
    }

    fn len(&self) -> usize {
        self.groups.len()
    }

    fn images(&self, row: usize) -> u64 {
        self.counts[row].iter().sum()
    }

    /// Whether a row is of several classes, whose mistakes among themselves are not told.
    fn is_rest(&self, row: usize) -> bool {
        self.groups[row].len() > 1
    }

    fn remark(&self) -> Option<String> {
        let rest = self.groups.last().filter(|rest| rest.len() > 1)?.len();
        let all = self.groups.len() - 1 + rest;
        Some(format!(
            "the {} of {all} classes with the most mistakes; the other {rest} are one row and column, grey among themselves",
            all - rest
        ))
    }
}

/// Images of one class that were answered as another.
fn images(report: &Report, truth: usize, answered: usize) -> u64 {
    report.confusion.get(truth).and_then(|row| row.get(answered)).copied().unwrap_or(0)
}

/// Each class, or where they are too many, each of those with the most mistakes and then the rest.
fn groups(report: &Report) -> Vec<Vec<usize>> {
    let classes = report.classes.len();
    if classes <= MOST {
        return (0..classes).map(|class| vec![class]).collect();
    }
    let mistakes = |class: usize| -> u64 {
        let others = (0..classes).filter(|other| *other != class);
        others.map(|other| images(report, class, other) + images(report, other, class)).sum()
    };
    let mut ordered: Vec<(u64, usize)> = (0..classes).map(|class| (mistakes(class), class)).collect();
    ordered.sort_by_key(|(mistakes, class)| (std::cmp::Reverse(*mistakes), *class));
    let of = |part: &[(u64, usize)]| {
        let mut classes: Vec<usize> = part.iter().map(|(_, class)| *class).collect();
        classes.sort_unstable();
        classes
    };
    let (shown, rest) = ordered.split_at(MOST - 1);
    let mut groups: Vec<Vec<usize>> = of(shown).into_iter().map(|class| vec![class]).collect();
    groups.push(of(rest));
    groups
}

/// Where things are, in pixels.
struct Layout {
    cell: f64,
    letters: f64,
    left: f64,
    side: f64,
    /// Whether the names of the columns stand upright.
    is_upright: bool,
    /// Below the matrix.
    below: f64,
    /// The height of the bars that explain colours.
    key: f64,
}

impl Layout {
    fn new(matrix: &Matrix, names: &Names<'_>) -> Self {
        let count = matrix.len().max(1) as f64;
        let cell = (MATRIX / count).floor().clamp(CELL.0, CELL.1);
        let letters = TEXT.min(cell - 4.0);
        let single = || matrix.groups.iter().filter(|group| group.len() == 1).map(|group| group[0]);
        let others = if single().count() < matrix.len() { 70.0 } else { 0.0 };
        let is_upright = names.width(single(), letters, f64::MAX).max(others) > cell - 8.0;
        let below = if is_upright { names.width(single(), letters, NAME.1).max(others) } else { 18.0 };
        let left = MARGIN + 24.0 + names.width(single(), letters, NAME.0).max(others) + 10.0;
        let side = cell * count;
        Self { cell, letters, left, side, is_upright, below, key: KEY.min(side - 40.0).max(80.0) }
    }

    fn right(&self) -> f64 {
        self.left + self.side
    }

    /// The width and height of the figure, without margins.
    fn size(&self) -> (f64, f64) {
        (self.right() + 222.0 - MARGIN, 24.0 + (self.side + self.below + 32.0).max(self.key))
    }
}

struct Figure<'f, 'p, 'a> {
    page: &'f Page<'p, 'a>,
    matrix: &'f Matrix,
    names: &'f Names<'f>,
    layout: &'f Layout,
}

impl Figure<'_, '_, '_> {
    fn draw(&self, top: f64) -> Result<(), Error> {
        let Self { page, matrix, layout, .. } = self;
        let (right, bottom) = (layout.right(), top + layout.side);
        let written = Writing::new(layout.letters);
        page.text((right + 44.0, top - 12.0), "images", Writing::new(SMALL).color(GREY).to_the_left())?;
        for row in 0..matrix.len() {
            let middle = top + (row as f64 + 0.5) * layout.cell;
            page.text((layout.left - 8.0, middle), &self.name(row, NAME.0), written.to_the_left())?;
            let images = matrix.images(row);
            let color = if images == 0 { ORANGE } else { GREY };
            page.text((right + 44.0, middle), &images.to_string(), written.color(color).to_the_left())?;
            (0..matrix.len()).try_for_each(|column| self.cell(row, column, top))?;
            if images == 0 {
                let centre = layout.left + layout.side / 2.0;
                page.text((centre, middle), "no test images", written.color(GREY).centred())?;
            }
            let across = layout.left + (row as f64 + 0.5) * layout.cell;
            match layout.is_upright {
                true => page.text((across, bottom + 8.0), &self.name(row, NAME.1), written.to_the_left().upright())?,
                false => page.text((across, bottom + 14.0), &self.name(row, layout.cell), written.centred())?,
            }
        }
        let named = Writing::new(TEXT).centred();
        page.text((MARGIN + 6.0, top + layout.side / 2.0), "true class", named.upright())?;
        page.text((layout.left + layout.side / 2.0, bottom + layout.below + 24.0), "answered class", named)?;
        self.key((right + 74.0, top))
    }

    fn name(&self, row: usize, width: f64) -> String {
        match self.matrix.groups[row].as_slice() {
            [class] => self.names.get(*class, self.page.medium, self.layout.letters, width),
            rest => format!("{} others", rest.len()),
        }
    }

    fn cell(&self, row: usize, column: usize, top: f64) -> Result<(), Error> {
        let Self { page, matrix, layout, .. } = self;
        let (count, images, cell) = (matrix.counts[row][column], matrix.images(row), layout.cell);
        let share = if images == 0 { 0.0 } else { count as f64 / images as f64 };
        let color = match (count, row == column) {
            (0, _) => EMPTY,
            (_, true) if matrix.is_rest(row) => shade(GREY, share),
            (_, true) => shade(BLUE, share),
            (_, false) => shade(ORANGE, share),
        };
        let (x, y) = (layout.left + column as f64 * cell, top + row as f64 * cell);
        page.rectangle((x + 0.5, y + 0.5), (x + cell - 0.5, y + cell - 0.5), color)?;
        let (text, letters) = (count.to_string(), if cell >= 60.0 { 16.0 } else { (cell * 0.42).min(TEXT) });
        let is_told = count > 0 || (cell >= 44.0 && images > 0);
        if !is_told || cell < 20.0 || page.face.width(&text, letters) > cell - 3.0 {
            return Ok(());
        }
        let ink = match count {
            0 => GREY,
            _ if is_dark(share) => WHITE,
            _ => INK,
        };
        let (across, middle) = (x + cell / 2.0, y + cell / 2.0);
        let has_share = cell >= 60.0 && count > 0;
        let up = if has_share { 8.0 } else { 0.0 };
        page.text((across, middle - up), &text, Writing::new(letters).color(ink).centred())?;
        if has_share {
            let share = format!("{:.0} %", 100.0 * share);
            page.text((across, middle + 12.0), &share, Writing::new(SMALL).color(ink).centred())?;
        }
        Ok(())
    }

    /// Explains the colours.
    fn key(&self, (left, top): (f64, f64)) -> Result<(), Error> {
        let (page, height) = (self.page, self.layout.key);
        const STEPS: u32 = 45;
        for (column, (name, color)) in [("right", BLUE), ("wrong", ORANGE)].into_iter().enumerate() {
            let x = left + 44.0 * column as f64;
            page.text((x + 18.0, top - 12.0), name, Writing::new(SMALL).centred())?;
            for step in 0..STEPS {
                // The steps are even in darkness, and so in the root of the share.
                let part = |step: u32| f64::from(step) / f64::from(STEPS);
                let (from, to) = (top + height * (1.0 - part(step + 1)), top + height * (1.0 - part(step)));
                let darkness = f64::midpoint(part(step), part(step + 1));
                page.rectangle((x, from), (x + 36.0, to), shade(color, darkness * darkness))?;
            }
        }
        for share in [0.0, 0.01, 0.05, 0.25, 0.5, 1.0_f64] {
            let y = top + height * (1.0 - share.sqrt());
            page.text((left + 88.0, y), &format!("{:.0} %", 100.0 * share), Writing::new(SMALL))?;
        }
        let middle = top + height / 2.0;
        page.text(
            (left + 138.0, middle),
            "share of the true class",
            Writing::new(SMALL).color(GREY).centred().upright(),
        )
    }
}

/// The colour of a share: its root decides, so that a few mistakes among many images are seen.
fn shade(color: plotters::style::RGBColor, share: f64) -> plotters::style::RGBColor {
    tint(color, 0.97 - 0.97 * share.max(0.0).sqrt())
}

fn is_dark(share: f64) -> bool {
    share > 0.4
}
