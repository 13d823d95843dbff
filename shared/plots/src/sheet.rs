//! What is drawn on: one sheet that becomes an SVG, and the same once more as a PNG.
//!
//! Both have the same whole coordinates, [`UNITS`] to a pixel of the reader's. A PNG has [`SCALE`] pixels to each of those,
//! for screens that are as fine, and is drawn twice as large again and halved, which makes its edges smooth.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use crate::bitmap::Bitmap;
use crate::error::Error;
use crate::font::Face;
use crate::thumbnail::Thumbnail;

/// Units of a coordinate to a pixel of the reader's.
pub(crate) const UNITS: u32 = 4;
/// Pixels of a PNG to one of the reader's, each way.
pub(crate) const SCALE: u32 = 2;
/// A font's size in plotters' terms, in ems.
const PLOTTERS_EM: f64 = 1.24;
/// The share of an em from the base line to the middle of a capital or a digit.
const MIDDLE: f64 = 0.36;
/// The same as plotters' SVG has it: half of a small letter, which leaves figures too high.
const MIDDLE_OF_SVG: f64 = 0.27;
/// The share of an em from the top of a text to its base line.
const ASCENT: f64 = 0.76;
/// Of the thumbnails in an SVG, 1 to 100.
const JPEG_QUALITY: u8 = 85;

/// The size in plotters' terms of a font whose em is so many units. Of the numbers that are as good the one whose em comes
/// out without a tail of digits, which would be in every text of an SVG.
pub(crate) fn font_size(em: f64) -> f64 {
    let size = em * PLOTTERS_EM;
    let exact = [size, size.next_down(), size.next_up()].into_iter().find(|size| size / PLOTTERS_EM == em);
    exact.unwrap_or(size)
}

/// A plot, in both formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// An SVG document, whose texts are in the reader's own sans serif.
    pub svg: String,
    /// A PNG file, RGB, with two pixels to each of the SVG's, each way.
    pub png: Vec<u8>,
}

/// Which of the two is being drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    Svg,
    Png,
}

/// A picture on a sheet.
pub(crate) struct Picture<'a> {
    /// Its upper left corner in pixels of the reader's.
    pub(crate) at: (u32, u32),
    pub(crate) thumbnail: &'a Thumbnail,
}

/// A part of a sheet.
pub(crate) type Area<'a> = DrawingArea<Sheet<'a>, Shift>;

/// Draws a sheet of so many pixels of the reader's: what `paint` draws, and pictures on top of it.
pub(crate) fn draw(
    (width, height): (u32, u32),
    pictures: &[Picture<'_>],
    paint: impl Fn(&Area<'_>, Medium) -> Result<(), Error>,
) -> Result<Drawing, Error> {
    let face = Face::load()?;
    let size = (width * UNITS, height * UNITS);
    let mut svg = String::new();
    let area = Sheet { face: face.clone(), target: Target::Svg(SVGBackend::with_string(&mut svg, size)) };
    let area = area.into_drawing_area();
    paint(&area, Medium::Svg)?;
    area.present()?;
    drop(area);
    let mut rgb = vec![255; size.0 as usize * size.1 as usize * 3];
    let area = Sheet { face, target: Target::Png(BitMapBackend::with_buffer(&mut rgb, size)) }.into_drawing_area();
    paint(&area, Medium::Png)?;
    area.present()?;
    drop(area);
    let png = Bitmap::new(size.0, rgb).halved().with(pictures);
    Ok(Drawing { svg: finish(&svg, (width, height), pictures)?, png: png.encode()? })
}

/// Gives an SVG the size of a reader's, and its pictures.
fn finish(svg: &str, (width, height): (u32, u32), pictures: &[Picture<'_>]) -> Result<String, Error> {
    let (w, h) = (width * UNITS, height * UNITS);
    let mut whole = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {w} {h}\">\n"
    );
    let body = svg.split_once(">\n").map_or("", |(_, body)| body).trim_end();
    whole.push_str(body.strip_suffix("</svg>").unwrap_or(body));
    for Picture { at: (x, y), thumbnail } in pictures {
        let Thumbnail { width, height, rgb } = thumbnail;
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
        encoder.write_image(rgb, *width, *height, ExtendedColorType::Rgb8)?;
        let [x, y] = [x, y].map(|place| place * UNITS);
        let [w, h] = [width, height].map(|side| side * UNITS / SCALE);
        whole.push_str(&format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" href=\"data:image/jpeg;base64,{}\"/>\n",
            STANDARD.encode(&jpeg)
        ));
    }
    whole.push_str("</svg>\n");
    Ok(whole)
}

/// One type for both, so that every plot is compiled once.
pub(crate) struct Sheet<'a> {
    face: Face,
    target: Target<'a>,
}

enum Target<'a> {
    Svg(SVGBackend<'a>),
    Png(BitMapBackend<'a>),
}

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

/// The same error, with one type for both.
fn unified<T, E: std::error::Error + Send + Sync + 'static>(
    done: Result<T, DrawingErrorKind<E>>,
) -> Result<T, DrawingErrorKind<io::Error>> {
    done.map_err(|error| match error {
        DrawingErrorKind::DrawingError(error) => DrawingErrorKind::DrawingError(io::Error::other(error)),
        DrawingErrorKind::FontError(error) => DrawingErrorKind::FontError(error),
    })
}

macro_rules! on_either {
    ($sheet:expr, $backend:ident => $call:expr) => {
        match &mut $sheet.target {
            Target::Svg($backend) => unified($call),
            Target::Png($backend) => unified($call),
        }
    };
}

impl DrawingBackend for Sheet<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match &self.target {
            Target::Svg(backend) => backend.get_size(),
            Target::Png(backend) => backend.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Drawn {
        on_either!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        on_either!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        on_either!(self, backend => backend.draw_pixel(point, color))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        on_either!(self, backend => backend.draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        on_either!(self, backend => backend.draw_rect(from, to, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        on_either!(self, backend => backend.draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        on_either!(self, backend => backend.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        on_either!(self, backend => backend.fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let em = style.size() / PLOTTERS_EM;
        let turned = |x: i32, y: i32| {
            let (x, y) = style.transform().transform(x, y);
            (at.0 + x, at.1 + y)
        };
        let anchor = style.anchor();
        match &mut self.target {
            Target::Svg(backend) => {
                let down = match anchor.v_pos {
                    VPos::Center => (MIDDLE - MIDDLE_OF_SVG) * em,
                    VPos::Top | VPos::Bottom => 0.0,
                };
                backend.draw_text(text, style, turned(0, down.round() as i32))
            }
            Target::Png(backend) => {
                let width = self.face.width(text, em);
                let x = match anchor.h_pos {
                    HPos::Left => 0.0,
                    HPos::Center => -width / 2.0,
                    HPos::Right => -width,
                };
                let y = match anchor.v_pos {
                    VPos::Top => ASCENT * em,
                    VPos::Center => MIDDLE * em,
                    VPos::Bottom => -MIDDLE_OF_SVG * em,
                };
                let (x, y) = (x.round() as i32, y.round() as i32);
                let color = style.color();
                let drawn = self
                    .face
                    .draw(text, em, |dx, dy, part| backend.draw_pixel(turned(x + dx, y + dy), color.mix(part.into())));
                unified(drawn)
            }
        }
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<io::Error>> {
        let em = style.size() / PLOTTERS_EM;
        Ok((self.face.width(text, em).ceil() as u32, (ASCENT * em).ceil() as u32))
    }
}
