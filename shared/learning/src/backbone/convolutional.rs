//! Whether a network works at any size of its input.

use std::collections::HashSet;

use super::structure::{GLOBAL_POOL, Structure};
use crate::onnx::proto::NodeProto;

/// Operators that do the same at every place of a map, whatever its size.
const LOCAL: &[&str] = &[
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Conv",
    "DequantizeLinear",
    "Dropout",
    "Elu",
    "Erf",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LRN",
    "LeakyRelu",
    "MaxPool",
    "Mish",
    "PRelu",
    "Pad",
    "QuantizeLinear",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Sqrt",
    "Sum",
    "Tanh",
    "Transpose",
];
const ARITHMETIC: &[&str] = &["Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"];
const REDUCE: &[&str] = &["ReduceMax", "ReduceMean", "ReduceSum"];

/// What ties the nodes `kept` to the size of the input; `None` for a fully convolutional network, in which everything
/// up to a pooling over the whole image is local.
pub(super) fn obstacle(structure: &Structure, kept: &HashSet<usize>) -> Option<String> {
    let mut maps = HashSet::from([structure.input]);
    for (_, node) in structure.graph.node.iter().enumerate().filter(|(index, _)| kept.contains(index)) {
        let reads_a_map = node.input.iter().any(|input| maps.contains(input.as_str()));
        if !reads_a_map || ends_the_map(structure, node) {
            continue;
        }
        if !is_local(structure, node) {
            return Some(format!(
                "`{}` ({}) reads a map that is not pooled over the whole image",
                node.op_type, node.name
            ));
        }
        maps.extend(node.output.iter().map(String::as_str));
    }
    None
}

/// Whether a map goes in and something without height and width comes out.
fn ends_the_map(structure: &Structure, node: &NodeProto) -> bool {
    node.op_type == "Shape" || pooled_axes(structure, node).is_some()
}

/// The axes of height and width, when `node` pools a map over both.
pub(super) fn pooled_axes(structure: &Structure, node: &NodeProto) -> Option<[i64; 2]> {
    let op = node.op_type.as_str();
    if GLOBAL_POOL.contains(&op) {
        return Some([2, 3]);
    }
    match structure.axes(node)[..] {
        [2, 3] | [-2, -1] if REDUCE.contains(&op) => Some([2, 3]),
        [1, 2] if REDUCE.contains(&op) => Some([1, 2]),
        _ => None,
    }
}

fn is_local(structure: &Structure, node: &NodeProto) -> bool {
    let op = node.op_type.as_str();
    if !ARITHMETIC.contains(&op) {
        return LOCAL.contains(&op);
    }
    // A constant may differ from channel to channel, but not from place to place as a mean image does.
    node.input.iter().filter_map(|input| structure.constant(input)).all(|constant| {
        let varying = constant.dims.iter().filter(|&&size| size > 1).count();
        varying <= 1
    })
}
