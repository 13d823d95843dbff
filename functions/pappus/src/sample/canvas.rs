//! A surface to paint on, in pixels, with the few shapes that plants are made of.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LinearGradient, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Point, Rect,
    SpreadMode, Stroke, Transform,
};

use super::SampleError;
use super::palette::Colour;

/// A picture under construction. Shapes pass through `frame` before they reach the pixels.
pub(super) struct Canvas {
    pub(super) pixmap: Pixmap,
    pub(super) frame: Transform,
}

impl Canvas {
    /// A transparent surface.
    pub(super) fn new(width: u32, height: u32) -> Result<Self, SampleError> {
        let pixmap = Pixmap::new(width, height).ok_or(SampleError::Canvas { width, height })?;
        Ok(Self { pixmap, frame: Transform::identity() })
    }

    /// A transparent surface of the same size and frame.
    pub(super) fn layer(&self) -> Result<Self, SampleError> {
        let mut layer = Self::new(self.pixmap.width(), self.pixmap.height())?;
        layer.frame = self.frame;
        Ok(layer)
    }

    pub(super) fn width(&self) -> f32 {
        self.pixmap.width() as f32
    }

    pub(super) fn height(&self) -> f32 {
        self.pixmap.height() as f32
    }

    /// The shorter side, the measure of everything in the picture.
    pub(super) fn side(&self) -> f32 {
        self.width().min(self.height())
    }

    /// Lays another surface over this one, moved by whole pixels.
    pub(super) fn lay(&mut self, layer: &Canvas, dx: i32, dy: i32) {
        let paint = PixmapPaint::default();
        self.pixmap.draw_pixmap(dx, dy, layer.pixmap.as_ref(), &paint, Transform::identity(), None);
    }

    /// Fills a shape with one colour. A shape without area paints nothing, here and below.
    pub(super) fn fill(&mut self, shape: Option<Path>, colour: Colour) {
        self.fill_clear(shape, colour, 1.0);
    }

    /// Fills a shape with one colour at an opacity in 0..=1.
    pub(super) fn fill_clear(&mut self, shape: Option<Path>, colour: Colour, opacity: f32) {
        let Some(path) = shape else { return };
        let paint = paint(colour, opacity);
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.frame, None);
    }

    /// Fills a shape with a colour that changes from one point to another.
    pub(super) fn fill_fade(&mut self, shape: Option<Path>, from: (Point, Colour), to: (Point, Colour)) {
        let Some(path) = shape else { return };
        let stops = vec![GradientStop::new(0.0, opaque(from.1)), GradientStop::new(1.0, opaque(to.1))];
        let fade = LinearGradient::new(from.0, to.0, stops, SpreadMode::Pad, Transform::identity());
        let mut paint = paint(from.1, 1.0);
        // Two points that coincide have no gradient between them; the first colour stands.
        if let Some(shader) = fade {
            paint.shader = shader;
        }
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.frame, None);
    }

    /// Draws lines of a width in pixels at an opacity in 0..=1.
    pub(super) fn stroke(&mut self, lines: Option<Path>, colour: Colour, width: f32, opacity: f32) {
        let Some(path) = lines else { return };
        let stroke = Stroke {
            width,
            // A round end on a hairline costs time and shows nothing.
            line_cap: if width > 2.0 { LineCap::Round } else { LineCap::Butt },
            ..Stroke::default()
        };
        let paint = paint(colour, opacity);
        self.pixmap.stroke_path(&path, &paint, &stroke, self.frame, None);
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f32, colour: Colour) {
        self.fill(PathBuilder::from_circle(centre.x, centre.y, radius), colour);
    }
}

fn opaque(colour: Colour) -> Color {
    translucent(colour, 1.0)
}

fn translucent(colour: Colour, opacity: f32) -> Color {
    let unit = |value: f32| value.clamp(0.0, 1.0);
    // Channels are within 0..=1, so the fallback is never taken.
    Color::from_rgba(unit(colour.r), unit(colour.g), unit(colour.b), unit(opacity)).unwrap_or(Color::BLACK)
}

fn paint(colour: Colour, opacity: f32) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(translucent(colour, opacity));
    paint.anti_alias = true;
    paint
}

pub(super) fn at(x: f32, y: f32) -> Point {
    Point::from_xy(x, y)
}

/// The point at a distance from another, in a direction given in radians (clockwise from the right).
pub(super) fn polar(from: Point, angle: f32, distance: f32) -> Point {
    at(from.x + distance * angle.cos(), from.y + distance * angle.sin())
}

/// The point `share` of the way from `a` to `b`.
pub(super) fn between(a: Point, b: Point, share: f32) -> Point {
    at(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share)
}

/// The direction from `a` to `b` in radians.
pub(super) fn direction(a: Point, b: Point) -> f32 {
    (b.y - a.y).atan2(b.x - a.x)
}

/// A curve from one point to another that swerves sideways by `bend` times its length.
pub(super) fn curve(from: Point, to: Point, bend: f32) -> Option<Path> {
    let knee = knee(from, to, bend);
    let mut path = PathBuilder::new();
    path.move_to(from.x, from.y);
    path.quad_to(knee.x, knee.y, to.x, to.y);
    path.finish()
}

/// The point at `share` of that curve.
pub(super) fn along(from: Point, to: Point, bend: f32, share: f32) -> Point {
    let knee = knee(from, to, bend);
    between(between(from, knee, share), between(knee, to, share), share)
}

fn knee(from: Point, to: Point, bend: f32) -> Point {
    let half = between(from, to, 0.5);
    at(half.x - (to.y - from.y) * bend, half.y + (to.x - from.x) * bend)
}

/// A leaf that is widest at its foot and ends in a point.
pub(super) fn blade(foot: Point, tip: Point, bend: f32, width: f32) -> Option<Path> {
    let side = direction(foot, tip) + std::f32::consts::FRAC_PI_2;
    let knee = knee(foot, tip, bend);
    let (left, right) = (polar(foot, side, width / 2.0), polar(foot, side, -width / 2.0));
    let (bow, string) = (polar(knee, side, width * 0.42), polar(knee, side, -width * 0.42));
    let mut path = PathBuilder::new();
    path.move_to(left.x, left.y);
    path.quad_to(bow.x, bow.y, tip.x, tip.y);
    path.quad_to(string.x, string.y, right.x, right.y);
    path.close();
    path.finish()
}

/// A petal that starts narrow, is widest past its middle and ends round.
pub(super) fn petal(foot: Point, tip: Point, width: f32) -> Option<Path> {
    let axis = direction(foot, tip);
    let side = axis + std::f32::consts::FRAC_PI_2;
    let (low, high) = (between(foot, tip, 0.35), between(foot, tip, 1.02));
    let mut path = PathBuilder::new();
    path.move_to(foot.x, foot.y);
    let (a, b) = (polar(low, side, width * 0.62), polar(high, side, width * 0.62));
    path.cubic_to(a.x, a.y, b.x, b.y, tip.x, tip.y);
    let (a, b) = (polar(high, side, -width * 0.62), polar(low, side, -width * 0.62));
    path.cubic_to(a.x, a.y, b.x, b.y, foot.x, foot.y);
    path.close();
    path.finish()
}

/// An ellipse with half axes `rx` and `ry`, turned by `angle` radians.
pub(super) fn ellipse(centre: Point, rx: f32, ry: f32, angle: f32) -> Option<Path> {
    let bounds = Rect::from_ltrb(-rx, -ry, rx, ry)?;
    let turned = Transform::from_rotate(angle.to_degrees()).post_translate(centre.x, centre.y);
    PathBuilder::from_oval(bounds)?.transform(turned)
}

/// A closed shape through the given points.
pub(super) fn polygon(points: impl IntoIterator<Item = Point>) -> Option<Path> {
    let mut path = PathBuilder::new();
    for point in points {
        // The first line of an empty path must be a move.
        if path.is_empty() {
            path.move_to(point.x, point.y);
        } else {
            path.line_to(point.x, point.y);
        }
    }
    path.close();
    path.finish()
}

/// Separate straight lines, stroked together.
pub(super) fn segments(pairs: impl IntoIterator<Item = (Point, Point)>) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (from, to) in pairs {
        path.move_to(from.x, from.y);
        path.line_to(to.x, to.y);
    }
    path.finish()
}
