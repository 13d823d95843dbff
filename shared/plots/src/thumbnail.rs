//! Small pictures of images.

/// A small picture of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgb: Vec<u8>,
}

impl Thumbnail {
    /// The greatest width and height, in pixels.
    pub const SIDE: u32 = 256;

    /// A thumbnail of these pixels: rows from the top, red, green and blue, `height × width × 3` bytes. `None` where that
    /// is not their number, or a side is 0 or longer than [`Thumbnail::SIDE`].
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let is_side = |side: u32| (1..=Self::SIDE).contains(&side);
        let is_whole = is_side(width) && is_side(height) && rgb.len() == width as usize * height as usize * 3;
        is_whole.then_some(Self { width, height, rgb })
    }

    /// The size of the thumbnail of an image of so many pixels: the longer side [`Thumbnail::SIDE`], in the same proportions.
    pub fn size(width: u32, height: u32) -> (u32, u32) {
        let longer = width.max(height).max(1);
        let fitted = |side: u32| {
            let side = (f64::from(side) * f64::from(Self::SIDE) / f64::from(longer)).round() as u32;
            side.clamp(1, Self::SIDE)
        };
        (fitted(width), fitted(height))
    }
}
