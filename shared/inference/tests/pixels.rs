//! What is made of pixels: perceptual hashes and resized pictures.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{encode, picture, plain};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use pappus_domain::PerceptualHash;
use pappus_inference::{Limits, Pixels, decode, perceptual_hash, resize};

fn pixels(picture: &RgbImage) -> Pixels {
    decode(&encode(picture.clone(), ImageFormat::Png), &Limits { side: 1, ..Limits::default() }).unwrap()
}

fn hash(picture: &RgbImage) -> PerceptualHash {
    perceptual_hash(&pixels(picture)).unwrap()
}

#[test]
fn a_picture_encoded_again_keeps_its_hash_nearly() {
    let original = picture(200, 160);
    for quality in [95, 70, 40] {
        let mut bytes = Vec::new();
        original.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
        let again = perceptual_hash(&decode(&bytes, &Limits::default()).unwrap()).unwrap();
        assert!(again.is_near(hash(&original)), "quality {quality}: {} bits", again.distance(hash(&original)));
    }
}

#[test]
fn a_resized_picture_keeps_its_hash_nearly() {
    let original = picture(200, 160);
    for (width, height) in [(100, 80), (64, 48), (400, 320), (37, 200)] {
        let resized = imageops::resize(&original, width, height, FilterType::Triangle);
        let distance = hash(&resized).distance(hash(&original));
        assert!(distance <= PerceptualHash::NEAR, "{width}×{height}: {distance} bits");
    }
}

#[test]
fn a_mirrored_turned_or_other_picture_is_not_near() {
    let original = picture(200, 160);
    for other in
        [imageops::flip_horizontal(&original), imageops::flip_vertical(&original), imageops::rotate180(&original)]
    {
        assert!(!hash(&other).is_near(hash(&original)));
    }
}

#[test]
fn the_hash_is_the_one_that_is_stored_in_catalogs() {
    // Brighter to the right: every bit is set. Darker, or all the same: none.
    let rising = RgbImage::from_fn(90, 80, |x, _| image::Rgb([(x * 2) as u8; 3]));
    assert_eq!(hash(&rising), PerceptualHash(u64::MAX));
    assert_eq!(hash(&imageops::flip_horizontal(&rising)), PerceptualHash(0));
    assert_eq!(hash(&plain(64, 64, [9, 90, 200])), PerceptualHash(0));
    // The row y is the byte y: here only the upper half rises.
    let half = RgbImage::from_fn(90, 80, |x, y| image::Rgb([if y < 40 { x * 2 } else { 0 } as u8; 3]));
    assert_eq!(hash(&half), PerceptualHash(0x0000_0000_FFFF_FFFF));
}

#[test]
fn resizing_gives_the_size_that_was_asked_for() {
    let pixels = pixels(&picture(64, 48));
    for (width, height) in [(1, 1), (8, 8), (224, 224), (64, 47), (3, 100)] {
        assert_eq!(resize(&pixels, width, height).unwrap().len(), (width * height * 3) as usize);
    }
}

#[test]
fn resizing_to_its_own_size_changes_nothing() {
    let pixels = pixels(&picture(64, 48));
    assert_eq!(resize(&pixels, 64, 48).unwrap(), pixels.rgb);
}

#[test]
fn one_colour_stays_that_colour_at_any_size() {
    let pixels = pixels(&plain(50, 70, [200, 3, 77]));
    for (width, height) in [(7, 7), (100, 140)] {
        assert!(resize(&pixels, width, height).unwrap().chunks_exact(3).all(|p| p == [200, 3, 77]));
    }
}

#[test]
fn a_size_of_nothing_is_an_error() {
    let pixels = pixels(&picture(64, 48));
    for (width, height) in [(0, 8), (8, 0), (0, 0)] {
        let message = resize(&pixels, width, height).unwrap_err().to_string();
        assert!(message.contains(&format!("{width}×{height}")), "{message}");
    }
}

#[test]
fn pixels_that_do_not_fit_their_size_are_an_error_not_a_panic() {
    let mut pixels = pixels(&picture(64, 48));
    pixels.rgb.truncate(100);
    assert!(resize(&pixels, 8, 8).is_err());
    pixels = Pixels { width: 0, height: 0, rgb: Vec::new(), ..pixels };
    assert!(perceptual_hash(&pixels).is_err());
}
