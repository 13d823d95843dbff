//! A sheet of the surest mistakes: the first images to look at, for what the model cannot see, and for wrong labels.

use pappus_domain::Digest;
use pappus_domain::stats::Mistake;
use pappus_domain::verdict::Evaluation;

use crate::caption::caption;
use crate::error::Error;
use crate::font::Face;
use crate::names::Names;
use crate::page::{Heading, MARGIN, Page, Place, Writing};
use crate::sheet::{Drawing, Picture, SCALE, draw};
use crate::style::{BLUE, EMPTY, GREY, ORANGE, SMALL, TEXT, percent};
use crate::thumbnail::Thumbnail;

/// The most mistakes on a sheet.
pub const MISTAKES: usize = 20;

/// A mistake, and the image that it was made about.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The mistake.
    pub mistake: Mistake,
    /// The image.
    pub image: Digest,
    /// Its picture, where it could be had.
    pub thumbnail: Option<Thumbnail>,
}

const COLUMNS: usize = 5;
/// The side of a picture, and the room for one with what is written under it, in pixels.
const SIDE: u32 = Thumbnail::SIDE / SCALE;
const ROOM: (u32, u32) = (SIDE + 28, SIDE + 78);
const ABOVE: u32 = 12;

/// Draws mistakes in their order, at most [`MISTAKES`] of them: the image, what it was answered to be and how surely, and
/// what it is.
///
/// # Errors
/// [`Error`].
pub fn mistakes(evaluation: &Evaluation, tiles: &[Tile]) -> Result<Drawing, Error> {
    let report = &evaluation.report;
    let tiles = &tiles[..tiles.len().min(MISTAKES)];
    let right: u64 = report.confusion.iter().enumerate().filter_map(|(class, row)| row.get(class)).sum();
    let shown = match (tiles.len(), report.images.saturating_sub(right)) {
        (_, 0) => "no mistakes".into(),
        (1, 1) => "the only mistake".into(),
        (shown, all) => format!("{shown} of {all} mistakes, the surest first"),
    };
    let heading = Heading { title: "Surest mistakes", lines: vec![caption(evaluation), shown] };
    let face = Face::load()?;
    let names = Names::new(&face, report.classes.iter().map(|class| &class.label));
    let rows = tiles.len().div_ceil(COLUMNS) as u32;
    let size = (f64::from(ROOM.0 * COLUMNS as u32 - 28), f64::from(ABOVE + ROOM.1 * rows));
    let top = heading.height().ceil() as u32 + ABOVE;
    let corner =
        |index: usize| (MARGIN as u32 + ROOM.0 * (index % COLUMNS) as u32, top + ROOM.1 * (index / COLUMNS) as u32);
    let pictures = tiles.iter().enumerate().filter_map(|(index, tile)| {
        let thumbnail = tile.thumbnail.as_ref()?;
        let (left, top) = corner(index);
        let spare = |side: u32| (SIDE - side.div_ceil(SCALE).min(SIDE)) / 2;
        Some(Picture { at: (left + spare(thumbnail.width), top + spare(thumbnail.height)), thumbnail })
    });
    let pictures: Vec<Picture<'_>> = pictures.collect();
    draw(heading.sheet(&face, size), &pictures, |area, medium| {
        let page = Page { area, medium, face: &face };
        page.begin(&heading)?;
        tiles.iter().enumerate().try_for_each(|(index, tile)| {
            let (left, top) = corner(index);
            frame(&page, &names, tile, (left.into(), top.into()))
        })
    })
}

/// What is under and around a picture.
fn frame(page: &Page<'_, '_>, names: &Names<'_>, tile: &Tile, (left, top): Place) -> Result<(), Error> {
    let side = f64::from(SIDE);
    page.rectangle((left, top), (left + side, top + side), EMPTY)?;
    if tile.thumbnail.is_none() {
        let centre = (left + side / 2.0, top + side / 2.0);
        page.text(centre, "cannot be shown", Writing::new(SMALL).color(GREY).centred())?;
    }
    let line = |row: f64, word: &str, class: usize, color| {
        let y = top + side + 14.0 + 17.0 * row;
        let taken = page.face.width(word, SMALL) + 5.0;
        page.text((left, y), word, Writing::new(SMALL).color(GREY))?;
        let name = names.get(class, page.medium, TEXT, side + 8.0 - taken);
        page.text((left + taken, y), &name, Writing::new(TEXT).color(color))
    };
    let Tile { mistake, image, .. } = tile;
    line(0.0, "said", mistake.answered, ORANGE)?;
    line(1.0, "is", mistake.truth, BLUE)?;
    let small = Writing::new(10.0).color(GREY);
    let y = top + side + 48.0;
    page.text((left, y), &format!("{} sure", percent(mistake.probability)), small)?;
    page.text((left + side, y), &image.short(8), small.to_the_left())
}
