//! Both layers as an ONNX graph.

use nalgebra::DMatrix;

use super::SIDE;
use super::first::{FirstLayer, POOLS};
use super::patches::{CONTRAST_FLOOR, PATCH, PATCH_VALUES};
use super::second::{ANSWERS_FLOOR, PROJECTION_FLOOR, SecondLayer};
use crate::backbone::{FEATURES, IMAGE};
use crate::onnx::proto::{AttributeProto, DataType};
use crate::onnx::{Dim, GraphBuilder, Model, attribute};

const OPSET: i64 = 13;
/// The sides of the windows over which the second layer's answers are averaged before the largest is taken.
const WINDOWS: [i64; 3] = [2, 4, 7];
/// The numbers by which the features say how an atom answers: mean, largest, root mean square, and one for each window.
const SUMMARIES: usize = 3 + WINDOWS.len();

/// The graph from `image` to `features`.
pub fn build(first: &FirstLayer, second: &SecondLayer) -> Model {
    let mut graph = GraphBuilder::new("dictionary", OPSET);
    let side = Dim::Size(SIDE as i64);
    let image = graph.input(IMAGE, DataType::Uint8, &[Dim::Name("n"), side, side, Dim::Size(3)]);
    let planes = graph.node("Transpose", &[&image], vec![attribute::ints("perm", &[0, 3, 1, 2])]);
    let pixels = graph.node("Cast", &[&planes], vec![attribute::int("to", DataType::Float as i64)]);

    let answers = add_first(&mut graph, &pixels, first);
    let answers = add_second(&mut graph, &answers, second);
    add_summaries(&mut graph, &answers);
    let features = SUMMARIES * second.atoms.ncols();
    graph.output(FEATURES, DataType::Float, &[Dim::Name("n"), Dim::Size(features as i64)]);
    graph.finish()
}

/// From pixels [n, 3, 64, 64] to the pooled answers [n, atoms, 13, 13] of the first layer.
fn add_first(graph: &mut GraphBuilder, pixels: &str, layer: &FirstLayer) -> String {
    let side = PATCH as i64;
    let atoms = layer.bias.len() as i64;
    let filters = graph.floats("filters", &[atoms, 3, side, side], layer.filters.as_slice());
    let bias = graph.floats("bias", &[1, atoms, 1, 1], layer.bias.as_slice());

    let deviation = add_deviation(graph, pixels);
    let products = graph.node("Conv", &[pixels, &filters], vec![]);
    let scaled = graph.node("Div", &[&products, &deviation], vec![]);
    let biased = graph.node("Add", &[&scaled, &bias], vec![]);
    let answers = graph.node("Relu", &[&biased], vec![]);
    POOLS.iter().fold(answers, |map, &(kernel, stride)| {
        graph.node("AveragePool", &[&map], pool_attributes(kernel as i64, stride as i64))
    })
}

/// √(variance + floor) of the patch at each place, [n, 1, 59, 59].
fn add_deviation(graph: &mut GraphBuilder, pixels: &str) -> String {
    let side = PATCH as i64;
    let mean_of = graph.floats("mean_of_patch", &[1, 3, side, side], &[1.0 / PATCH_VALUES as f32; PATCH_VALUES]);
    let floor = graph.floats("contrast_floor", &[1], &[CONTRAST_FLOOR]);

    let mean = graph.node("Conv", &[pixels, &mean_of], vec![]);
    let squares = graph.node("Mul", &[pixels, pixels], vec![]);
    let mean_square = graph.node("Conv", &[&squares, &mean_of], vec![]);
    let squared_mean = graph.node("Mul", &[&mean, &mean], vec![]);
    let difference = graph.node("Sub", &[&mean_square, &squared_mean], vec![]);
    // Rounding can make the variance of a flat patch less than 0.
    let variance = graph.node("Relu", &[&difference], vec![]);
    let raised = graph.node("Add", &[&variance, &floor], vec![]);
    graph.node("Sqrt", &[&raised], vec![])
}

/// From the pooled answers of the first layer to those of the second, [n, atoms, 13, 13].
fn add_second(graph: &mut GraphBuilder, answers: &str, layer: &SecondLayer) -> String {
    let normal = add_normalisation(graph, answers, ANSWERS_FLOOR);
    // The projection has its components in rows, and a matrix is stored column by column.
    let projected = add_matrix(graph, &normal, "projection", &layer.projection.transpose(), layer.shift.as_slice());
    let normal = add_normalisation(graph, &projected, PROJECTION_FLOOR);
    let threshold = vec![-layer.threshold; layer.atoms.ncols()];
    let products = add_matrix(graph, &normal, "atoms", &layer.atoms, &threshold);
    graph.node("Relu", &[&products], vec![])
}

/// Divides the channels at each place by their length + `floor`.
fn add_normalisation(graph: &mut GraphBuilder, map: &str, floor: f32) -> String {
    let floor = graph.floats("length_floor", &[1], &[floor]);
    let length = graph.node("ReduceL2", &[map], vec![attribute::ints("axes", &[1]), attribute::int("keepdims", 1)]);
    let raised = graph.node("Add", &[&length, &floor], vec![]);
    graph.node("Div", &[map, &raised], vec![])
}

/// Multiplies the channels at each place by the columns of `matrix`, and adds `bias`.
fn add_matrix(graph: &mut GraphBuilder, map: &str, name: &str, matrix: &DMatrix<f32>, bias: &[f32]) -> String {
    let (inputs, outputs) = (matrix.nrows() as i64, matrix.ncols() as i64);
    let weights = graph.floats(name, &[outputs, inputs, 1, 1], matrix.as_slice());
    let bias = graph.floats(&format!("{name}_bias"), &[outputs], bias);
    graph.node("Conv", &[map, &weights, &bias], vec![])
}

/// From the second layer's answers to `features`: one summary after the other, each of all atoms.
fn add_summaries(graph: &mut GraphBuilder, answers: &str) {
    let squares = graph.node("Mul", &[answers, answers], vec![]);
    let mean_square = graph.node("GlobalAveragePool", &[&squares], vec![]);
    let mut summaries = vec![
        graph.node("GlobalAveragePool", &[answers], vec![]),
        graph.node("GlobalMaxPool", &[answers], vec![]),
        graph.node("Sqrt", &[&mean_square], vec![]),
    ];
    for window in WINDOWS {
        let densities = graph.node("AveragePool", &[answers], pool_attributes(window, 1));
        summaries.push(graph.node("GlobalMaxPool", &[&densities], vec![]));
    }
    let summaries: Vec<&str> = summaries.iter().map(String::as_str).collect();
    let joined = graph.node("Concat", &summaries, vec![attribute::int("axis", 1)]);
    graph.node_feeding("Flatten", &[&joined], FEATURES, vec![attribute::int("axis", 1)]);
}

fn pool_attributes(kernel: i64, stride: i64) -> Vec<AttributeProto> {
    vec![attribute::ints("kernel_shape", &[kernel; 2]), attribute::ints("strides", &[stride; 2])]
}
