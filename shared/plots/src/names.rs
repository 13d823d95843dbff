//! Names of classes, as far as they can be drawn.

use pappus_domain::image::Label;

use crate::font::Face;
use crate::sheet::Medium;

/// The names of classes. An SVG has them as they are. A PNG has the letters of its own font only: a name with others
/// begins with the number of the class, so that no two look the same, and has the letters that there are.
pub(crate) struct Names<'f> {
    face: &'f Face,
    names: Vec<Name>,
}

struct Name {
    svg: String,
    png: String,
}

impl<'f> Names<'f> {
    pub(crate) fn new<'l>(face: &'f Face, labels: impl IntoIterator<Item = &'l Label>) -> Self {
        let names = labels.into_iter().enumerate().map(|(class, label)| {
            let svg: String = label.as_str().chars().filter(|letter| is_drawable(*letter)).collect();
            let png = drawn_with(face, class, &svg);
            Name { svg, png }
        });
        Self { face, names: names.collect() }
    }

    /// The name of a class, at most `width` pixels wide in letters of `size`.
    pub(crate) fn get(&self, class: usize, medium: Medium, size: f64, width: f64) -> String {
        let name = self.names.get(class).map(|name| match medium {
            Medium::Svg => &name.svg,
            Medium::Png => &name.png,
        });
        self.face.shorten(name.map_or("", String::as_str), size, width)
    }

    /// The width in pixels of the longest name of these classes in letters of `size`, at most `most`.
    pub(crate) fn width(&self, classes: impl IntoIterator<Item = usize>, size: f64, most: f64) -> f64 {
        let names = classes.into_iter().filter_map(|class| self.names.get(class));
        let widths = names.flat_map(|name| [&name.svg, &name.png]).map(|name| self.face.width(name, size));
        widths.fold(0.0, f64::max).min(most)
    }
}

/// Whether a letter may stand in an XML text, and does not turn those around it.
fn is_drawable(letter: char) -> bool {
    !matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

fn drawn_with(face: &Face, class: usize, name: &str) -> String {
    if name.chars().all(|letter| face.has(letter)) {
        return name.into();
    }
    let known: String = name.chars().filter(|letter| face.has(*letter)).collect();
    format!("#{} {}", class + 1, known.trim()).trim_end().into()
}
