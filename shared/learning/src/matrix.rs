//! A dense matrix.

use crate::Error;

/// Rows of float32, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl Matrix {
    /// `rows` × `cols` numbers in row-major order.
    ///
    /// # Errors
    /// [`Error::Length`] when `data` does not hold `rows · cols` numbers, [`Error::NotFinite`] when one of them is infinite
    /// or not a number.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Result<Self, Error> {
        let expected = rows.saturating_mul(cols);
        if data.len() != expected {
            return Err(Error::Length { what: "numbers in a matrix", found: data.len(), expected });
        }
        if let Some(place) = data.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { row: place / cols, column: place % cols, value: data[place] });
        }
        Ok(Self { rows, cols, data })
    }

    /// As [`new`](Self::new), for numbers that are known to be finite and of the right number.
    pub(crate) fn from_finite(rows: usize, cols: usize, data: Vec<f32>) -> Self {
        debug_assert_eq!(data.len(), rows * cols);
        Self { rows, cols, data }
    }

    /// The number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Row `index`, which must be less than [`rows`](Self::rows).
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.cols..][..self.cols]
    }

    /// All numbers, row by row.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// The rows `indices`, in that order; each must be less than [`rows`](Self::rows).
    pub fn select(&self, indices: &[usize]) -> Self {
        let data = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        Self { rows: indices.len(), cols: self.cols, data }
    }
}
