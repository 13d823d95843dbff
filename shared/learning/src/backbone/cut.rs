//! Where a network is cut, and how what is left becomes a vector for each image.

use super::FEATURES;
use super::convolutional::pooled_axes;
use super::options::{Cut, Pooling};
use super::structure::Structure;
use crate::Error;
use crate::onnx::proto::{DataType, NodeProto};
use crate::onnx::{GraphBuilder, attribute};

/// The numbers of ImageNet's classes: with TensorFlow's class "background", and without.
const IMAGENET_CLASSES: [i64; 2] = [1000, 1001];

/// A tensor at which the network is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub tensor: String,
    /// A map [n, d, h, w] that is to be pooled, not a vector [n, d].
    pub is_map: bool,
    /// d, where the network says it.
    pub channels: Option<usize>,
}

/// Operators that only rearrange what they are given.
const SHAPE: &[&str] = &["Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"];
const SOFTMAX: &[&str] = &["LogSoftmax", "Softmax"];
/// Operators without weights of their own that may stand between the last weighted layer and the output.
const POOL_OR_ACTIVATION: &[&str] = &[
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "DequantizeLinear",
    "Elu",
    "Gelu",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "MaxPool",
    "PRelu",
    "QuantizeLinear",
    "ReduceMean",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Transpose",
];
/// Operators that shift or scale when all but one of their inputs are constants.
const AFFINE: &[&str] = &["Add", "Div", "Mul", "Sub"];
const WEIGHTED: &[&str] = &["Conv", "Gemm", "MatMul"];

/// The tensors to cut at, in the order in which they are joined.
pub(super) fn find(structure: &Structure, cut: Cut, pooling: Pooling) -> Result<Vec<End>, Error> {
    let output = structure.graph.output.first().map(|output| output.name.as_str()).ok_or(Error::NoGraph)?;
    if !structure.is_live(output) || output == structure.input {
        return Err(Error::OutputUnreachable { output: output.to_owned(), input: structure.input.to_owned() });
    }
    let tail = Tail::walk(structure, output);
    let (features, scores) = match tail.layer {
        Some(layer) if tail.is_classifier(structure, output, layer) => {
            let no_features = || Error::NoFeatures { output: output.to_owned() };
            (structure.only_live_input(layer).ok_or_else(no_features)?, Some(tail.scores))
        }
        None if tail.ends_in_softmax => return Err(Error::NoFeatures { output: output.to_owned() }),
        _ => (output, None),
    };
    let ends = match (cut, scores) {
        (Cut::Features, _) => vec![features],
        (Cut::Scores, Some(scores)) => vec![scores],
        (Cut::Both, Some(scores)) => vec![features, scores],
        (_, None) => return Err(Error::NoScores),
    };
    ends.into_iter().map(|tensor| end_at(structure, tensor, pooling)).collect()
}

/// What lies behind the last weighted layer.
struct Tail<'a> {
    /// That layer, when nothing but operators without weights stand between it and the output.
    layer: Option<&'a NodeProto>,
    ends_in_softmax: bool,
    /// The output before softmax and before its shape was changed.
    scores: &'a str,
}

impl<'a> Tail<'a> {
    fn walk(structure: &Structure<'a>, output: &'a str) -> Self {
        let mut tail = Self { layer: None, ends_in_softmax: false, scores: output };
        let mut tensor = output;
        // A graph that is no tree could be walked for ever; one that is, ends within as many steps as it has nodes.
        for _ in 0..structure.graph.node.len() {
            let Some(node) = structure.producer(tensor) else { break };
            let op = node.op_type.as_str();
            if WEIGHTED.contains(&op) {
                tail.layer = Some(node);
                break;
            }
            let is_plain = SHAPE.contains(&op) || SOFTMAX.contains(&op);
            if !is_plain && !POOL_OR_ACTIVATION.contains(&op) && !AFFINE.contains(&op) {
                break;
            }
            let Some(input) = structure.only_live_input(node) else { break };
            if is_plain && tail.scores == tensor {
                tail.scores = input;
            }
            tail.ends_in_softmax |= SOFTMAX.contains(&op);
            tensor = input;
        }
        tail
    }

    fn is_classifier(&self, structure: &Structure, output: &str, layer: &NodeProto) -> bool {
        let outputs = structure.declared_dims(output).unwrap_or_default();
        let speaks_of_imagenet = outputs.iter().skip(1).flatten().any(|size| IMAGENET_CLASSES.contains(size))
            || structure.units(layer).is_some_and(|units| IMAGENET_CLASSES.contains(&units));
        self.ends_in_softmax || layer.op_type != "Conv" || speaks_of_imagenet
    }
}

/// Cuts at `tensor`; with both poolings wanted, at the map under it.
fn end_at(structure: &Structure, tensor: &str, pooling: Pooling) -> Result<End, Error> {
    let tensor = match pooling {
        Pooling::Mean => tensor,
        Pooling::MeanMax => map_under(structure, tensor).ok_or_else(|| Error::NoMap { tensor: tensor.to_owned() })?,
    };
    // A map turned to [n, h, w, d] at the very end, as TensorFlow's networks are, is taken before it is turned.
    let tensor = before_turn(structure, tensor).unwrap_or(tensor);
    let rank = structure.rank(tensor);
    match rank {
        Some(rank @ (2 | 4)) => {
            Ok(End { tensor: tensor.to_owned(), is_map: rank == 4, channels: structure.channels(tensor) })
        }
        _ => Err(Error::FeatureRank { tensor: tensor.to_owned(), rank }),
    }
}

/// The map that `tensor` is the pool of, or `tensor` itself where it is a map.
fn map_under<'a>(structure: &Structure<'a>, tensor: &'a str) -> Option<&'a str> {
    let mut above = tensor;
    for _ in 0..structure.graph.node.len() {
        let Some(node) = structure.producer(above) else { break };
        let input = structure.only_live_input(node);
        match pooled_axes(structure, node) {
            Some([1, 2]) => return before_turn(structure, input?),
            Some(_) => return input,
            None if SHAPE.contains(&node.op_type.as_str()) => above = input?,
            None => break,
        }
    }
    (structure.rank(tensor) == Some(4)).then_some(tensor)
}

/// The tensor [n, d, h, w] that is turned to make `tensor` [n, h, w, d].
fn before_turn<'a>(structure: &Structure<'a>, tensor: &str) -> Option<&'a str> {
    let turned = structure.producer(tensor).filter(|node| attribute::find_ints(node, "perm") == [0, 2, 3, 1])?;
    turned.input.first().map(String::as_str)
}

/// Adds the nodes from `ends` to the tensor `features` (float32 [n, d]). `is_float` says that the ends are float32 already.
/// Returns how many numbers each end and each pooling gives, in their order; nothing when that is not known of each.
pub(super) fn pool(graph: &mut GraphBuilder, ends: &[End], pooling: Pooling, is_float: bool) -> Vec<usize> {
    let axis = || vec![attribute::int("axis", 1)];
    let mut vectors = Vec::new();
    let mut blocks = Vec::new();
    for End { tensor, is_map, channels } in ends {
        let pools: &[Option<&str>] = match (is_map, pooling) {
            (false, _) => &[None],
            (true, Pooling::Mean) => &[Some("GlobalAveragePool")],
            (true, Pooling::MeanMax) => &[Some("GlobalAveragePool"), Some("GlobalMaxPool")],
        };
        for pool in pools {
            let mut vector = tensor.clone();
            if let Some(pool) = pool {
                vector = graph.node(pool, &[&vector], vec![]);
                vector = graph.node("Flatten", &[&vector], axis());
            }
            if !is_float {
                vector = graph.node("Cast", &[&vector], vec![attribute::int("to", DataType::Float as i64)]);
            }
            vectors.push(vector);
            blocks.push(*channels);
        }
    }
    match &vectors[..] {
        [vector] => graph.node_feeding("Identity", &[vector], FEATURES, vec![]),
        several => {
            let inputs: Vec<&str> = several.iter().map(String::as_str).collect();
            graph.node_feeding("Concat", &inputs, FEATURES, axis());
        }
    }
    blocks.into_iter().collect::<Option<_>>().unwrap_or_default()
}
