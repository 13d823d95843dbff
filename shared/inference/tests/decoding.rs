//! Image files to upright RGB pixels.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{encode, exif, picture, plain, with_segment};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba, RgbaImage};
use pappus_domain::ImageFormat as Format;
use pappus_inference::{Limits, Pixels, decode};

const RED: [u8; 3] = [255, 0, 0];
const WHITE: [u8; 3] = [255, 255, 255];

fn decoded(bytes: &[u8]) -> Pixels {
    decode(bytes, &Limits::default()).unwrap()
}

fn pixel(pixels: &Pixels, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * pixels.width + x) * 3) as usize;
    pixels.rgb[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_near(found: [u8; 3], expected: [u8; 3]) {
    let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
    assert!(off <= 12, "{found:?} against {expected:?}");
}

#[test]
fn every_format_is_told_by_its_content() {
    let picture = picture(64, 48);
    for (format, codec) in [
        (Format::Jpeg, ImageFormat::Jpeg),
        (Format::Png, ImageFormat::Png),
        (Format::Bmp, ImageFormat::Bmp),
        (Format::Tiff, ImageFormat::Tiff),
        (Format::WebP, ImageFormat::WebP),
    ] {
        let pixels = decoded(&encode(picture.clone(), codec));
        assert_eq!((pixels.format, pixels.width, pixels.height), (format, 64, 48));
        assert_eq!(pixels.rgb.len(), 64 * 48 * 3);
        if format == Format::Jpeg {
            assert_near(pixel(&pixels, 19, 12), [250, 240, 90]);
        } else {
            assert_eq!(pixels.rgb, *picture.as_raw(), "{format:?} loses nothing");
        }
    }
}

/// A white picture of 64×48 pixels whose corner at the top left is red.
fn marked() -> Vec<u8> {
    let mut picture = plain(64, 48, WHITE);
    for (x, y) in (0..16).flat_map(|x| (0..16).map(move |y| (x, y))) {
        picture.put_pixel(x, y, Rgb(RED));
    }
    encode(picture, ImageFormat::Jpeg)
}

#[test]
fn every_exif_orientation_is_applied() {
    // Where the corner that was stored at the top left is to be seen: from the right?, from below?
    for (orientation, right, below) in [
        (1, false, false),
        (2, true, false),
        (3, true, true),
        (4, false, true),
        (5, false, false),
        (6, true, false),
        (7, true, true),
        (8, false, true),
    ] {
        let pixels = decoded(&with_segment(&marked(), 0xE1, &exif(orientation)));
        let turned = orientation >= 5;
        let size = if turned { (48, 64) } else { (64, 48) };
        assert_eq!((pixels.width, pixels.height), size, "orientation {orientation}");
        let corner = |right: bool, below: bool| {
            let (x, y) = (if right { pixels.width - 5 } else { 4 }, if below { pixels.height - 5 } else { 4 });
            pixel(&pixels, x, y)
        };
        for (r, b) in [(false, false), (true, false), (false, true), (true, true)] {
            assert_near(corner(r, b), if (r, b) == (right, below) { RED } else { WHITE });
        }
    }
}

#[test]
fn an_orientation_that_does_not_exist_or_cannot_be_read_changes_nothing() {
    for content in [exif(0), exif(9), b"Exif\0\0II*\0\xFF\xFF\xFF\xFF".to_vec(), b"Exif\0\0".to_vec()] {
        let pixels = decoded(&with_segment(&marked(), 0xE1, &content));
        assert_eq!((pixels.width, pixels.height), (64, 48));
        assert_near(pixel(&pixels, 4, 4), RED);
    }
}

#[test]
fn what_is_transparent_stands_over_white() {
    let mut picture = RgbaImage::from_pixel(40, 40, Rgba([0, 0, 0, 0]));
    picture.put_pixel(1, 0, Rgba([200, 100, 0, 255]));
    picture.put_pixel(2, 0, Rgba([0, 0, 0, 51]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let pixels = decoded(&encode(picture.clone(), format));
        let row = [0, 1, 2].map(|x| pixel(&pixels, x, 0));
        assert_eq!(row, [WHITE, [200, 100, 0], [204, 204, 204]], "{format:?}");
    }
    let grey = ImageBuffer::from_pixel(32, 32, LumaA([0, 128]));
    let pixels = decoded(&encode(DynamicImage::ImageLumaA8(grey), ImageFormat::Png));
    assert_eq!(pixel(&pixels, 9, 9), [127, 127, 127]);
}

#[test]
fn sixteen_bits_a_channel_become_eight() {
    let colour = ImageBuffer::from_pixel(32, 32, Rgb([0xFFFF_u16, 0x8080, 0]));
    let pixels = decoded(&encode(DynamicImage::ImageRgb16(colour), ImageFormat::Png));
    assert_eq!(pixel(&pixels, 31, 31), [255, 128, 0]);
    let grey = ImageBuffer::from_pixel(32, 32, Luma([0x4040_u16]));
    let pixels = decoded(&encode(DynamicImage::ImageLuma16(grey), ImageFormat::Png));
    assert_eq!(pixel(&pixels, 0, 0), [64, 64, 64]);
}

#[test]
fn grey_becomes_three_equal_channels() {
    let grey = GrayImage::from_pixel(40, 33, Luma([77]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp] {
        let pixels = decoded(&encode(grey.clone(), format));
        assert_eq!((pixels.width, pixels.height, pixels.rgb.len()), (40, 33, 40 * 33 * 3));
        assert_near(pixel(&pixels, 20, 20), [77, 77, 77]);
    }
}

#[test]
fn printers_colours_become_red_green_and_blue() {
    // Four quarters: red, green, blue, white; CMYK as Adobe writes it, inverted.
    let pixels = decoded(include_bytes!("material/cmyk.jpg"));
    let quarters = [(8, 6), (40, 6), (8, 32), (40, 32)].map(|(x, y)| pixel(&pixels, x, y));
    for (found, expected) in quarters.into_iter().zip([RED, [0, 255, 0], [0, 0, 255], WHITE]) {
        assert_near(found, expected);
    }
}

#[test]
fn a_progressive_jpeg_and_one_with_restart_markers_are_read() {
    for bytes in [include_bytes!("material/progressive.jpg").as_slice(), include_bytes!("material/restarts.jpg")] {
        let pixels = decoded(bytes);
        assert_eq!((pixels.width, pixels.height), (48, 40));
        assert!(pixel(&pixels, 46, 4)[0] > 200 && pixel(&pixels, 2, 4)[0] < 50);
    }
}

#[test]
fn bytes_behind_the_end_of_a_jpeg_do_no_harm() {
    let bytes = [marked().as_slice(), b"appended by some camera"].concat();
    assert_eq!(decoded(&bytes).width, 64);
}

#[test]
fn the_smallest_picture_that_is_allowed_is_decoded() {
    assert_eq!(decoded(&encode(picture(32, 32), ImageFormat::Png)).rgb.len(), 32 * 32 * 3);
}
