//! Pictures, good and bad.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Result;
use image::{ImageFormat, RgbImage};

use crate::Home;

/// Draws a sample data set into a folder of a home's surroundings: `count` pictures of each of `classes` classes.
///
/// # Errors
/// Where it cannot be drawn.
pub fn sample(home: &Home, folder: &str, classes: usize, count: usize) -> Result<PathBuf> {
    home.json(&["sample", folder, "--classes", &classes.to_string(), "--count", &count.to_string()])?;
    Ok(home.work().join(folder))
}

/// Writes pictures of noise into a folder named by class, no two of them alike and each of some 12 kB.
///
/// # Errors
/// Where they cannot be written.
pub fn noise(home: &Home, folder: &str, class: &str, count: u32) -> Result<PathBuf> {
    let folder = home.work().join(folder);
    std::fs::create_dir_all(folder.join(class))?;
    for number in 0..count {
        let seed = class.bytes().fold(number + 1, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        std::fs::write(folder.join(class).join(format!("{number:04}.png")), png(64, 64, seed)?)?;
    }
    Ok(folder)
}

/// A PNG of noise.
///
/// # Errors
/// Where it cannot be encoded.
pub fn png(width: u32, height: u32, seed: u32) -> Result<Vec<u8>> {
    // A multiplicative generator: any numbers do that are not alike.
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let picture = RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D);
        image::Rgb([(state >> 40) as u8, (state >> 48) as u8, (state >> 56) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// A PNG of under a kilobyte that says it has 20,000 × 20,000 pixels.
///
/// # Errors
/// Where it cannot be encoded.
pub fn bomb() -> Result<Vec<u8>> {
    let mut bytes = png(8, 8, 1)?;
    // The header chunk: its length, `IHDR`, width, height, five bytes more, and a checksum over all but the length.
    bytes[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&20_000_u32.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

/// The checksum of PNG, <https://www.w3.org/TR/png/#5CRC-algorithm>.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// A GIF of two frames of one pixel.
pub fn animated_gif() -> Vec<u8> {
    let frame = b"\x21\xF9\x04\x00\x0A\x00\x00\x00\x2C\0\0\0\0\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00";
    [b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xFF\xFF\xFF\x00\x00\x00".as_slice(), frame, frame, b";"].concat()
}

/// Every file below a folder, in order of their names.
///
/// # Errors
/// Where a folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}
