//! Whether a JPEG is whole.

const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// Whether the file's own end-of-image marker is there. Markers are walked segment by segment, so that the end of a
/// thumbnail inside the file is not taken for the end of the file.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            END_OF_IMAGE => return true,
            START_OF_SCAN => {
                skip_segment(bytes, &mut at);
                skip_entropy_coded(bytes, &mut at);
            }
            _ => skip_segment(bytes, &mut at),
        }
    }
    false
}

/// The next marker that is followed by a segment, or the end of the image; `at` moves behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|byte| *byte == 0xFF)?;
        *at += bytes[*at..].iter().position(|byte| *byte != 0xFF)?;
        let marker = bytes[*at];
        *at += 1;
        if !is_standalone(marker) {
            return Some(marker);
        }
    }
}

/// Stuffed zeros, TEM and restart markers have no segment behind them.
const fn is_standalone(marker: u8) -> bool {
    matches!(marker, 0x00 | 0x01 | 0xD0..=0xD8)
}

fn skip_segment(bytes: &[u8], at: &mut usize) {
    let length = match bytes.get(*at..*at + 2) {
        Some(two) => usize::from(u16::from_be_bytes([two[0], two[1]])),
        None => bytes.len(),
    };
    *at += length.max(2);
}

/// Moves `at` to the marker that ends a scan's data.
fn skip_entropy_coded(bytes: &[u8], at: &mut usize) {
    while let Some(rest) = bytes.get(*at..) {
        match rest.iter().position(|byte| *byte == 0xFF) {
            None => *at = bytes.len(),
            Some(found) if rest.get(found + 1).is_some_and(|next| is_standalone(*next)) => {
                *at += found + 2;
                continue;
            }
            Some(found) => *at += found,
        }
        return;
    }
}
