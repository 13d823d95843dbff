//! Smooth random fields: clouds, soil, patches of light.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A field of random values in 0..=1, smooth over distances below its cell.
pub(super) struct Field {
    width: usize,
    values: Vec<f32>,
}

impl Field {
    /// Value noise: random numbers on a lattice with cells of `cell` (x, y) pixels, smoothly interpolated; each octave
    /// halves the cell and the weight.
    pub(super) fn new((width, height): (u32, u32), cell: (f32, f32), octaves: u32, rng: &mut ChaCha8Rng) -> Self {
        let (width, height) = (width as usize, height as usize);
        let mut values = vec![0.0; width * height];
        let mut total = 0.0;
        for octave in 0..octaves {
            let scale = 0.5_f32.powi(octave as i32);
            add_octave(&mut values, (width, height), (cell.0 * scale, cell.1 * scale), scale, rng);
            total += scale;
        }
        for value in &mut values {
            *value /= total;
        }
        Self { width, values }
    }

    pub(super) fn get(&self, x: u32, y: u32) -> f32 {
        self.values[y as usize * self.width + x as usize]
    }
}

fn add_octave(
    values: &mut [f32],
    (width, height): (usize, usize),
    cell: (f32, f32),
    weight: f32,
    rng: &mut ChaCha8Rng,
) {
    let columns = steps(width, cell.0);
    let rows = steps(height, cell.1);
    // One lattice point past the last cell, as every pixel looks right and down.
    let stride = columns.last().map_or(0, |last| last.0) + 2;
    let lines = rows.last().map_or(0, |last| last.0) + 2;
    let lattice: Vec<f32> = (0..stride * lines).map(|_| rng.random()).collect();
    let mut blended = vec![0.0; stride];
    for (line, &(row, down)) in values.chunks_exact_mut(width).zip(&rows) {
        let (above, below) = lattice[row * stride..(row + 2) * stride].split_at(stride);
        for ((value, a), b) in blended.iter_mut().zip(above).zip(below) {
            *value = a + (b - a) * down;
        }
        for (value, &(column, right)) in line.iter_mut().zip(&columns) {
            let (a, b) = (blended[column], blended[column + 1]);
            *value += weight * (a + (b - a) * right);
        }
    }
}

/// For every pixel of a side: its cell, and how far into it, eased.
fn steps(length: usize, cell: f32) -> Vec<(usize, f32)> {
    // Cells under a pixel would only repeat white noise.
    let cell = cell.max(1.0);
    (0..length)
        .map(|pixel| {
            let position = pixel as f32 / cell;
            let share = position.fract();
            (position as usize, share * share * (3.0 - 2.0 * share))
        })
        .collect()
}
