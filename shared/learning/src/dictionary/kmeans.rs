//! Spherical k-means: atoms of length 1, each the direction of the samples it is nearest to.

use nalgebra::DMatrix;

use super::columns::map_product;

/// An atom whose samples add up to less than this keeps its direction.
const LEAST_LENGTH: f32 = 1e-8;

/// A variant of spherical k-means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sample belongs to the atom with the largest product and counts 1.
    Plain,
    /// The sign does not matter: a sample belongs to the atom with the largest absolute product, and that product is
    /// what it counts; the old atom is added to the sum, so that it moves slowly where samples are few.
    SignedDamped,
}

/// Improves `atoms` [d, k] over `iterations` rounds, given `samples` [d, n].
pub fn refine(samples: &DMatrix<f32>, mut atoms: DMatrix<f32>, kind: Kind, iterations: usize) -> DMatrix<f32> {
    for _ in 0..iterations {
        let nearest = map_product(&atoms.transpose(), samples, |products| nearest(products, kind));
        let mut sums = match kind {
            Kind::Plain => DMatrix::zeros(atoms.nrows(), atoms.ncols()),
            Kind::SignedDamped => atoms.clone(),
        };
        // One sum after the other: the order must not depend on threads, and the products took far longer.
        for (sample, (atom, weight)) in samples.column_iter().zip(nearest) {
            sums.column_mut(atom).axpy(weight, &sample, 1.0);
        }
        for (mut atom, sum) in atoms.column_iter_mut().zip(sums.column_iter()) {
            let length = sum.norm();
            if length >= LEAST_LENGTH {
                atom.copy_from(&(sum / length));
            }
        }
    }
    atoms
}

/// The atom a sample belongs to, the first among equals, and what the sample counts there.
fn nearest(products: &[f32], kind: Kind) -> (usize, f32) {
    let closeness = |product: f32| match kind {
        Kind::Plain => product,
        Kind::SignedDamped => product.abs(),
    };
    let mut best = (0, f32::NEG_INFINITY);
    for (atom, &product) in products.iter().enumerate() {
        if closeness(product) > best.1 {
            best = (atom, closeness(product));
        }
    }
    match kind {
        Kind::Plain => (best.0, 1.0),
        Kind::SignedDamped => (best.0, products[best.0]),
    }
}
