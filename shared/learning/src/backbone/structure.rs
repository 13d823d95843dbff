//! How the tensors of a graph hang together.

use std::collections::{HashMap, HashSet};

use crate::onnx::proto::{Dimension, GraphProto, NodeProto, TensorProto, ValueInfoProto, dimension, type_proto};
use crate::onnx::{attribute, integers_of, reads};

/// A graph, with what is needed to walk it backwards.
pub(super) struct Structure<'a> {
    pub graph: &'a GraphProto,
    pub input: &'a str,
    producers: HashMap<&'a str, &'a NodeProto>,
    initializers: HashMap<&'a str, &'a TensorProto>,
    /// The dimensions that the file declares.
    declared: HashMap<&'a str, Vec<Option<i64>>>,
    /// The tensors that depend on the input; every other one is a constant.
    live: HashSet<&'a str>,
}

impl<'a> Structure<'a> {
    /// Studies `graph`, whose one input is `input`. Nodes stand in topological order, as ONNX demands.
    pub fn new(graph: &'a GraphProto, input: &'a str) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(String::as_str).filter(|name| !name.is_empty());
        let mut live = HashSet::from([input]);
        for node in &graph.node {
            if reads(node).iter().any(|name| live.contains(name)) {
                live.extend(outputs(node));
            }
        }
        let producers = graph.node.iter().flat_map(|node| outputs(node).map(move |output| (output, node))).collect();
        let initializers = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let values = graph.value_info.iter().chain(&graph.output).chain(&graph.input);
        let declared = values.filter_map(|value| Some((value.name.as_str(), shape_of(value)?))).collect();
        Self { graph, input, producers, initializers, declared, live }
    }

    /// The node that makes `tensor`; inputs and constants of the graph have none.
    pub fn producer(&self, tensor: &str) -> Option<&'a NodeProto> {
        self.producers.get(tensor).copied()
    }

    /// Whether `tensor` depends on the input.
    pub fn is_live(&self, tensor: &str) -> bool {
        self.live.contains(tensor)
    }

    /// The one input of `node` that depends on the image; `None` when there are several or none.
    pub fn only_live_input(&self, node: &'a NodeProto) -> Option<&'a str> {
        let mut live = node.input.iter().map(String::as_str).filter(|name| self.is_live(name));
        live.next().filter(|_| live.next().is_none())
    }

    /// The constant `tensor`: an initializer, or the value of a `Constant` node.
    pub fn constant(&self, tensor: &str) -> Option<&'a TensorProto> {
        let value = || {
            let node = self.producer(tensor).filter(|node| node.op_type == "Constant")?;
            attribute::find(node, "value")?.t.as_deref()
        };
        self.initializers.get(tensor).copied().or_else(value)
    }

    /// The integers of the constant `tensor`.
    pub fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        self.constant(tensor).and_then(integers_of)
    }

    /// The axes that `node` works along: an attribute in older opsets, an input in newer ones. Empty when it has none.
    pub fn axes(&self, node: &NodeProto) -> Vec<i64> {
        let given = node.input.get(1).and_then(|axes| self.integers(axes));
        given.unwrap_or_else(|| attribute::find_ints(node, "axes").to_vec())
    }

    /// Whether `tensor` is a map pooled over the whole image: [n, d, 1, 1].
    pub fn is_pooled(&self, tensor: &str) -> bool {
        self.producer(tensor).is_some_and(|node| GLOBAL_POOL.contains(&node.op_type.as_str()))
    }

    /// The number of dimensions of `tensor`, from what the file declares or from how it is made.
    pub fn rank(&self, tensor: &str) -> Option<usize> {
        let mut name = tensor;
        let mut removed = 0;
        for _ in 0..=self.graph.node.len() {
            let known = match self.declared.get(name) {
                Some(dims) => Some(dims.len()),
                None => self.rank_made(self.producer(name)?),
            };
            if let Some(rank) = known {
                return rank.checked_sub(removed);
            }
            let node = self.producer(name)?;
            removed += self.dimensions_removed(node)?;
            name = node.input.iter().find(|input| self.is_live(input))?;
        }
        None
    }

    /// The number of dimensions that `node` gives its result, where that does not depend on what it reads.
    fn rank_made(&self, node: &NodeProto) -> Option<usize> {
        match node.op_type.as_str() {
            "Conv" | "GlobalAveragePool" | "GlobalMaxPool" | "AveragePool" | "MaxPool" => Some(4),
            "Flatten" | "Gemm" => Some(2),
            "Reshape" => self.integers(node.input.get(1)?).map(|shape| shape.len()),
            "Transpose" => attribute::find(node, "perm").map(|perm| perm.ints.len()),
            _ => None,
        }
    }

    /// How many dimensions fewer the result of `node` has than what it reads; `None` when it cannot be told.
    fn dimensions_removed(&self, node: &NodeProto) -> Option<usize> {
        match node.op_type.as_str() {
            "Squeeze" => match self.axes(node).len() {
                0 => node.input.first().filter(|data| self.is_pooled(data)).map(|_| 2),
                axes => Some(axes),
            },
            "ReduceMax" | "ReduceMean" | "ReduceSum" if attribute::find_int(node, "keepdims") == Some(0) => {
                Some(self.axes(node).len()).filter(|&axes| axes > 0)
            }
            "ReduceMax" | "ReduceMean" | "ReduceSum" => Some(0),
            "Gather" => 1_usize.checked_sub(self.constant(node.input.get(1)?)?.dims.len()),
            op => KEEPS_RANK.contains(&op).then_some(0),
        }
    }

    /// The number of channels of `tensor` ([n, d] or [n, d, h, w]), from what the file declares or from the weights that
    /// made it; `None` when neither says.
    pub fn channels(&self, tensor: &str) -> Option<usize> {
        let mut sum = 0;
        let mut open = vec![tensor];
        // As many steps as there are nodes suffice, unless a graph joins the same tensors over and over.
        for _ in 0..=self.graph.node.len() {
            let Some(name) = open.pop() else { return Some(sum) };
            let declared = self.declared.get(name).and_then(|dims| *dims.get(1)?);
            if let Some(channels) = declared.or_else(|| self.units(self.producer(name)?)) {
                sum += usize::try_from(channels).ok()?;
                continue;
            }
            let node = self.producer(name)?;
            match node.op_type.as_str() {
                "Concat" if attribute::find_int(node, "axis") == Some(1) => {
                    open.extend(node.input.iter().map(String::as_str));
                }
                "Concat" | "Gather" | "MatMul" | "Pad" | "Slice" => return None,
                "Flatten" | "Reshape" | "Squeeze" if !self.is_pooled(node.input.first()?) => return None,
                "Flatten" | "GlobalAveragePool" | "GlobalMaxPool" | "MaxPool" | "Reshape" | "Squeeze" => {
                    open.push(node.input.first()?);
                }
                op if KEEPS_RANK.contains(&op) => open.push(node.input.iter().find(|input| self.is_live(input))?),
                _ => return None,
            }
        }
        None
    }

    /// The number of outputs of a layer with weights.
    pub fn units(&self, layer: &NodeProto) -> Option<i64> {
        let dims = || self.declared_dims(layer.input.get(1)?);
        let is_transposed = attribute::find_int(layer, "transB").is_some_and(|flag| flag != 0);
        match layer.op_type.as_str() {
            "Conv" => *dims()?.first()?,
            "Gemm" if is_transposed => *dims()?.first()?,
            "Gemm" | "MatMul" => *dims()?.last()?,
            _ => None,
        }
    }

    /// The sizes of the dimensions that the file declares for `tensor`; an open one is `None`.
    pub fn declared_dims(&self, tensor: &str) -> Option<Vec<Option<i64>>> {
        match self.initializers.get(tensor) {
            Some(constant) => Some(constant.dims.iter().copied().map(Some).collect()),
            None => self.declared.get(tensor).cloned(),
        }
    }
}

fn shape_of(value: &ValueInfoProto) -> Option<Vec<Option<i64>>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref()?.value.as_ref() else { return None };
    let size = |dimension: &Dimension| match dimension.value {
        Some(dimension::Value::DimValue(size)) if size > 0 => Some(size),
        _ => None,
    };
    Some(tensor.shape.as_ref()?.dim.iter().map(size).collect())
}

/// Operators that pool a map over the whole image.
pub(super) const GLOBAL_POOL: &[&str] = &["GlobalAveragePool", "GlobalMaxPool"];

/// Operators whose result has as many dimensions as the tensor they work on.
const KEEPS_RANK: &[&str] = &[
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LRN",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "MatMul",
    "Max",
    "Min",
    "Mish",
    "Mul",
    "PRelu",
    "Pad",
    "Pow",
    "QuantizeLinear",
    "Relu",
    "Selu",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
];
