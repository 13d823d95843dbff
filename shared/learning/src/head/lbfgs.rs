//! Minimising a smooth function: L-BFGS (Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; the
//! two-loop recursion and the scaling are algorithm 7.4 of Nocedal & Wright, "Numerical Optimization") with the bisecting
//! weak Wolfe line search of Lewis & Overton, "Nonsmooth optimization via quasi-Newton methods", 2013.

use std::collections::VecDeque;

/// The number of past steps that describe the curvature.
const MEMORY: usize = 10;
const MAX_ITERATIONS: usize = 1000;
/// Steps of the line search: more are needed only where the function is no longer smooth in float64.
const MAX_BISECTIONS: usize = 40;
const SUFFICIENT_DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;

/// Where the search ended.
pub(super) struct Minimum {
    pub point: Vec<f64>,
    /// No component of the gradient exceeds the tolerance, or no further decrease can be told from rounding.
    pub converged: bool,
}

/// A step and the change of the gradient over it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step · change)
    inverse: f64,
}

/// A point, with value and gradient there.
struct Place {
    point: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Minimises `function`, which writes its gradient to its second argument, from `start` until no component of the
/// gradient exceeds `tolerance`.
pub(super) fn minimise(
    start: Vec<f64>,
    tolerance: f64,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let mut gradient = vec![0.0; start.len()];
    let value = function(&start, &mut gradient);
    let mut here = Place { point: start, value, gradient };
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    for _ in 0..MAX_ITERATIONS {
        if here.gradient.iter().all(|component| component.abs() <= tolerance) {
            return Minimum { point: here.point, converged: true };
        }
        let direction = descent(&here.gradient, &pairs);
        let Some(there) = line_search(&here, &direction, &mut function) else {
            return Minimum { point: here.point, converged: true };
        };
        let step: Vec<f64> = difference(&there.point, &here.point);
        let change: Vec<f64> = difference(&there.gradient, &here.gradient);
        let product = dot(&step, &change);
        if product > 0.0 {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back(Pair { step, change, inverse: product.recip() });
        }
        here = there;
    }
    Minimum { point: here.point, converged: false }
}

/// The direction −H·gradient, H being the inverse Hessian as far as `pairs` know it.
fn descent(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|component| -component).collect();
    let mut coefficients = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let coefficient = pair.inverse * dot(&pair.step, &direction);
        add(&mut direction, -coefficient, &pair.change);
        coefficients.push(coefficient);
    }
    let scale = match pairs.back() {
        Some(last) => (last.inverse * dot(&last.change, &last.change)).recip(),
        None => dot(gradient, gradient).sqrt().recip(),
    };
    direction.iter_mut().for_each(|component| *component *= scale);
    for (pair, coefficient) in pairs.iter().zip(coefficients.iter().rev()) {
        let correction = pair.inverse * dot(&pair.change, &direction);
        add(&mut direction, coefficient - correction, &pair.step);
    }
    direction
}

/// A place along `direction` where the function is lower and flatter; `None` when rounding hides it.
fn line_search(here: &Place, direction: &[f64], function: &mut impl FnMut(&[f64], &mut [f64]) -> f64) -> Option<Place> {
    let slope = dot(&here.gradient, direction);
    if slope.is_nan() || slope >= 0.0 {
        return None;
    }
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut there = Place { point: here.point.clone(), value: 0.0, gradient: vec![0.0; here.point.len()] };
    for _ in 0..MAX_BISECTIONS {
        there.point.copy_from_slice(&here.point);
        add(&mut there.point, length, direction);
        there.value = function(&there.point, &mut there.gradient);
        let is_lower = there.value <= here.value + SUFFICIENT_DECREASE * length * slope;
        if !is_lower {
            high = length;
        } else if dot(&there.gradient, direction) < CURVATURE * slope {
            low = length;
        } else {
            return Some(there);
        }
        length = if high.is_finite() { (low + high) / 2.0 } else { 2.0 * length };
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_a_curved_valley() {
        // Rosenbrock's function in ten dimensions, whose minimum is 0 at (1, …, 1).
        let rosenbrock = |x: &[f64], gradient: &mut [f64]| {
            gradient.fill(0.0);
            let mut value = 0.0;
            for i in 0..x.len() - 1 {
                let (curve, slope) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
                value += 100.0 * curve * curve + slope * slope;
                gradient[i] += -400.0 * x[i] * curve - 2.0 * slope;
                gradient[i + 1] += 200.0 * curve;
            }
            value
        };
        let minimum = minimise(vec![-1.2; 10], 1e-9, rosenbrock);
        assert!(minimum.converged);
        assert!(minimum.point.iter().all(|x| (x - 1.0).abs() < 1e-6), "{:?}", minimum.point);
    }

    #[test]
    fn scales_of_the_axes_may_differ_a_million_times() {
        let bowl = |x: &[f64], gradient: &mut [f64]| {
            let weights = [1.0, 1e3, 1e6];
            for i in 0..3 {
                gradient[i] = weights[i] * (x[i] - i as f64);
            }
            (0..3).map(|i| 0.5 * weights[i] * (x[i] - i as f64).powi(2)).sum()
        };
        let minimum = minimise(vec![7.0, -3.0, 9.0], 1e-8, bowl);
        assert!(minimum.converged);
        assert!(minimum.point.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-7), "{:?}", minimum.point);
    }

    #[test]
    fn a_function_that_is_not_smooth_ends_the_search() {
        let absolute = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = if x[0] < 0.0 { -1.0 } else { 1.0 };
            x[0].abs()
        };
        let minimum = minimise(vec![3.0], 1e-9, absolute);
        assert!(minimum.point[0].abs() < 1e-3, "{}", minimum.point[0]);
    }
}
