//! Colours and sizes, the same in every plot.

use plotters::style::RGBColor;

/// What is written and what the axes are.
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// What is said beside.
pub(crate) const GREY: RGBColor = RGBColor(0x62, 0x62, 0x62);
/// What is only to compare with.
pub(crate) const PALE: RGBColor = RGBColor(0xb8, 0xb8, 0xb8);
/// Lines to read figures off.
pub(crate) const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// Where there is nothing.
pub(crate) const EMPTY: RGBColor = RGBColor(0xf5, 0xf5, 0xf5);
pub(crate) const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(crate) const ORANGE: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

/// Colours that colour-blind readers tell apart too (M. Okabe, K. Ito, "Color universal design", 2008), without the yellow,
/// which is lost on white.
pub(crate) const PALETTE: [RGBColor; 7] = [
    BLUE,
    ORANGE,
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x44, 0x44, 0x44),
];

/// The size of letters in pixels: of a title, of text, and of what stands beside.
pub(crate) const TITLE: f64 = 20.0;
pub(crate) const TEXT: f64 = 13.0;
pub(crate) const SMALL: f64 = 11.5;

/// A colour with so much of white in it: 0 none, 1 all.
pub(crate) fn tint(color: RGBColor, white: f64) -> RGBColor {
    let mixed = |channel: u8| {
        let channel = f64::from(channel);
        (channel + (255.0 - channel) * white.clamp(0.0, 1.0)).round() as u8
    };
    RGBColor(mixed(color.0), mixed(color.1), mixed(color.2))
}

/// A share as a percentage; a dash for what is no number.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { "–".into() }
}

/// A share as a percentage without decimals, for axes.
pub(crate) fn whole_percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
