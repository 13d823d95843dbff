//! Files that are no images, or no images to be let in.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{chain, encode, picture, plain, with_segment};
use image::ImageFormat;
use pappus_inference::{ImageError, Limits, decode};

fn refused(bytes: &[u8]) -> ImageError {
    decode(bytes, &Limits::default()).unwrap_err()
}

/// Every length for a small file, many for a larger one.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (1..length).step_by(1 + length / 700).chain([length - 1, length - 2])
}

#[test]
fn a_jpeg_that_is_cut_off_anywhere_is_refused() {
    let thumbnail = encode(plain(16, 16, [0, 90, 0]), ImageFormat::Jpeg);
    assert_eq!(thumbnail[thumbnail.len() - 2..], [0xFF, 0xD9], "the thumbnail ends as a file of its own");
    let whole = encode(picture(64, 48), ImageFormat::Jpeg);
    let with_thumbnail = with_segment(&whole, 0xE2, &thumbnail);
    let progressive = include_bytes!("material/progressive.jpg");
    let restarts = include_bytes!("material/restarts.jpg");
    for bytes in [&whole, &with_thumbnail, progressive.as_slice(), restarts] {
        decode(bytes, &Limits::default()).unwrap();
        for cut in cuts(bytes.len()) {
            decode(&bytes[..cut], &Limits::default()).expect_err(&format!("{cut} of {} bytes", bytes.len()));
        }
    }
    // Past its header it is known to be a JPEG, and to lack its end.
    assert!(matches!(refused(&with_thumbnail[..with_thumbnail.len() - 40]), ImageError::Truncated));
}

#[test]
fn other_formats_that_lack_pixels_are_refused() {
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let bytes = encode(picture(64, 48), format);
        // The last bytes of some formats are a checksum or padding, and no pixels.
        for cut in cuts(bytes.len()).filter(|cut| cut + 32 < bytes.len()) {
            decode(&bytes[..cut], &Limits::default()).expect_err(&format!("{format:?}: {cut} of {}", bytes.len()));
        }
    }
}

#[test]
fn what_is_no_image_is_named_so_with_the_formats_that_are() {
    for bytes in ["a text in a file called holiday.jpg".as_bytes(), b"\0", b"{}", &[0xFF; 100], &[0; 10_000]] {
        let error = refused(bytes);
        assert!(matches!(error, ImageError::NotAnImage), "{error:?}");
        assert!(error.to_string().contains("JPEG, PNG, BMP, TIFF and WebP"), "{error}");
    }
}

#[test]
fn nothing_at_all_is_called_empty() {
    let error = refused(b"");
    assert!(matches!(error, ImageError::Empty));
    assert_eq!((error.to_string().as_str(), error.kind()), ("the image is empty", "empty"));
}

#[test]
fn other_picture_formats_are_refused_by_name() {
    for (bytes, name) in [
        (b"GIF89a\x20\0\x20\0\x80\0\0".as_slice(), "GIF"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\x01\0\x01\0\x20\x20\0\0", "ICO"),
    ] {
        let error = refused(bytes);
        assert!(matches!(error, ImageError::UnsupportedFormat(_)), "{error:?}");
        assert!(error.to_string().starts_with(&format!("{name} is not read")), "{error}");
        assert_eq!(error.kind(), "unsupported_format");
    }
}

#[test]
fn a_side_of_fewer_than_32_pixels_is_too_small() {
    for (width, height) in [(1, 1), (31, 32), (32, 31), (500, 8)] {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let error = refused(&encode(picture(width, height), format));
            let same = |w: u32, h: u32| (w, h) == (width, height);
            assert!(matches!(error, ImageError::TooSmall { width, height, limit: 32 } if same(width, height)));
            assert!(error.to_string().contains(&format!("{width}×{height}")), "{error}");
        }
    }
}

#[test]
fn a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
    // A true 1×1 PNG whose header says otherwise; the checksum of the header is the one of what it says.
    let mut bytes = encode(picture(40, 40), ImageFormat::Png);
    for side in [16..20, 20..24] {
        bytes[side].copy_from_slice(&20_000_u32.to_be_bytes());
    }
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    let error = refused(&bytes);
    assert!(matches!(error, ImageError::TooManyPixels { width: 20_000, height: 20_000, limit: 50 }), "{error:?}");
    assert!(error.to_string().contains("more than 50 megapixels"), "{error}");
}

/// The checksum of a PNG's chunk (PNG specification, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn a_bmp_that_claims_to_be_huge_is_refused_too() {
    let mut bmp = encode(picture(40, 40), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&20_000_i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000_i32.to_le_bytes());
    assert!(matches!(refused(&bmp), ImageError::TooManyPixels { .. }), "{:?}", refused(&bmp));
}

#[test]
fn more_than_ten_megabytes_are_too_many_whatever_they_are() {
    let limit = 10 << 20;
    let error = refused(&vec![0xFF; limit + 1]);
    assert!(matches!(error, ImageError::TooManyBytes { limit: 10_485_760, .. }), "{error:?}");
    assert!(error.to_string().contains("10485761 bytes"), "{error}");
    let mut padded = encode(picture(40, 40), ImageFormat::Jpeg);
    padded.resize(limit, 0);
    decode(&padded, &Limits::default()).unwrap();
}

#[test]
fn the_limits_are_the_callers() {
    let bytes = encode(picture(40, 40), ImageFormat::Png);
    let limits = Limits { bytes: 10, ..Limits::default() };
    assert!(matches!(decode(&bytes, &limits), Err(ImageError::TooManyBytes { limit: 10, .. })));
    let limits = Limits { side: 41, ..Limits::default() };
    assert!(matches!(decode(&bytes, &limits), Err(ImageError::TooSmall { limit: 41, .. })));
    let limits = Limits { pixels: 1599, ..Limits::default() };
    assert!(matches!(decode(&bytes, &limits), Err(ImageError::TooManyPixels { .. })));
    let limits = Limits { pixels: 1600, side: 40, bytes: bytes.len() as u64 };
    decode(&bytes, &limits).unwrap();
}

#[test]
fn a_damaged_file_says_so_and_keeps_the_cause() {
    let mut bytes = encode(picture(64, 48), ImageFormat::Png);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xA5);
    let error = refused(&bytes);
    assert!(matches!(error, ImageError::Damaged(_)), "{error:?}");
    assert_eq!(error.kind(), "damaged");
    assert!(chain(&error).len() > error.to_string().len(), "the decoder's reason is kept: {}", chain(&error));
}
