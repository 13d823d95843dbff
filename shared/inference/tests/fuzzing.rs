//! Decoding strangers' bytes: never a panic, and never pixels that do not fit the size.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{encode, exif, picture, with_segment};
use image::ImageFormat;
use pappus_inference::{Limits, decode, perceptual_hash, resize};
use proptest::prelude::*;
use proptest::sample::Index;

/// Small limits, so that no mutated header makes the suite slow.
const LIMITS: Limits = Limits { bytes: 1 << 20, side: 1, pixels: 1 << 20 };

fn check(bytes: &[u8]) {
    let Ok(pixels) = decode(bytes, &LIMITS) else { return };
    assert!(pixels.width >= 1 && pixels.height >= 1);
    assert!(u64::from(pixels.width) * u64::from(pixels.height) <= LIMITS.pixels);
    assert_eq!(pixels.rgb.len(), pixels.width as usize * pixels.height as usize * 3);
    perceptual_hash(&pixels).unwrap();
    assert_eq!(resize(&pixels, 5, 7).unwrap().len(), 5 * 7 * 3);
}

/// Beginnings that lead to each decoder.
const BEGINNINGS: [&[u8]; 7] = [
    b"\xFF\xD8\xFF\xE0",
    b"\xFF\xD8\xFF\xDA\0\x02",
    b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"RIFF\x40\0\0\0WEBPVP8",
];

fn valid() -> Vec<Vec<u8>> {
    let picture = picture(40, 36);
    let jpeg = encode(picture.clone(), ImageFormat::Jpeg);
    let formats = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP];
    let mut files: Vec<Vec<u8>> = formats.map(|format| encode(picture.clone(), format)).into();
    files.extend([with_segment(&jpeg, 0xE1, &exif(6)), jpeg]);
    files.extend([include_bytes!("material/progressive.jpg").to_vec(), include_bytes!("material/cmyk.jpg").to_vec()]);
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_image_or_refused(
        beginning in prop::option::of(prop::sample::select(&BEGINNINGS[..])),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        check(&[beginning.unwrap_or_default(), &rest].concat());
    }

    #[test]
    fn a_valid_file_with_changed_bytes_is_an_image_or_refused(
        file in prop::sample::select(valid()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..12),
        cut in prop::option::weighted(0.2, any::<Index>()),
    ) {
        let mut file = file;
        for (at, byte) in changes {
            // Half of the changes fall into the header, where they do most harm.
            let reach = if byte % 2 == 0 { file.len() } else { file.len().min(96) };
            let at = at.index(reach);
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        check(&file);
    }
}
