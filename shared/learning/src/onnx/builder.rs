//! Making a graph node by node.

use std::collections::HashMap;

use super::proto::{
    AttributeProto, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TypeProto, ValueInfoProto, dimension, type_proto,
};
use super::{Model, Names, reads, rename, tensor};

/// Named constants arrived with IR version 4; before it each had to be listed as an input too.
const IR_VERSION: i64 = 4;

/// A dimension of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim<'a> {
    /// Always this size.
    Size(i64),
    /// Any size; the same name means the same size.
    Name(&'a str),
}

/// Builds a graph. Every method that makes a tensor returns the tensor's name, which no other tensor has; nodes are kept
/// in the order they are added, which must be one in which they can be computed.
///
/// ```
/// use pappus_learning::onnx::{Dim, GraphBuilder, attribute, proto::DataType};
///
/// let mut graph = GraphBuilder::new("scaled", 13);
/// let image = graph.input("image", DataType::Uint8, &[Dim::Name("n"), Dim::Size(8)]);
/// let number = graph.node("Cast", &[&image], vec![attribute::int("to", DataType::Float as i64)]);
/// let scale = graph.floats("scale", &[1], &[1.0 / 255.0]);
/// graph.node_named("Mul", &[&number, &scale], "features", vec![]);
/// graph.output("features", DataType::Float, &[Dim::Name("n"), Dim::Size(8)]);
/// let bytes = graph.finish().into_bytes();
/// assert!(!bytes.is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct GraphBuilder {
    model: Model,
    names: Names,
    node_names: Names,
}

impl GraphBuilder {
    /// An empty graph called `name` in version `opset` of ONNX's own operators.
    pub fn new(name: &str, opset: i64) -> Self {
        let header = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "pappus".to_owned(),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
            ..ModelProto::default()
        };
        let graph = GraphProto { name: name.to_owned(), ..GraphProto::default() };
        Self { model: Model { header, graph }, names: Names::default(), node_names: Names::default() }
    }

    /// Goes on with a graph that exists: what is added comes after what is there. Inputs and outputs stay as they are.
    pub fn extend(mut model: Model) -> Self {
        model.header.ir_version = model.header.ir_version.max(IR_VERSION);
        model.header.producer_name = "pappus".to_owned();
        model.header.producer_version.clear();
        let names = Names::of(&model.graph);
        let mut node_names = Names::default();
        model.graph.node.iter().for_each(|node| node_names.take(&node.name));
        Self { model, names, node_names }
    }

    /// The version of ONNX's own operators that nodes must be written in.
    pub fn opset(&self) -> i64 {
        self.model.opset().unwrap_or_default()
    }

    /// `hint` itself, or with a number behind it when the name is taken. The name is taken from now on.
    pub fn unique(&mut self, hint: &str) -> String {
        self.names.unique(hint)
    }

    /// A float32 constant of shape `dims`, elements in row-major order.
    pub fn floats(&mut self, hint: &str, dims: &[i64], values: &[f32]) -> String {
        debug_assert_eq!(dims.iter().product::<i64>(), values.len() as i64);
        self.constant(hint, DataType::Float, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// An int64 constant of shape `dims`.
    pub fn integers(&mut self, hint: &str, dims: &[i64], values: &[i64]) -> String {
        debug_assert_eq!(dims.iter().product::<i64>(), values.len() as i64);
        self.constant(hint, DataType::Int64, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// A uint8 constant of shape `dims`.
    pub fn bytes(&mut self, hint: &str, dims: &[i64], values: &[u8]) -> String {
        debug_assert_eq!(dims.iter().product::<i64>(), values.len() as i64);
        self.constant(hint, DataType::Uint8, dims, values.to_vec())
    }

    fn constant(&mut self, hint: &str, data_type: DataType, dims: &[i64], bytes: Vec<u8>) -> String {
        let name = self.unique(hint);
        self.model.graph.initializer.push(tensor::raw(name.clone(), data_type, dims, bytes));
        name
    }

    /// A node with one output, which is named after the operator.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.unique(&op.to_lowercase());
        self.push_node(op, inputs, &output, attributes);
        output
    }

    /// A node whose one output is called `output`, or nearly so when the name is taken.
    pub fn node_named(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) -> String {
        let output = self.unique(output);
        self.push_node(op, inputs, &output, attributes);
        output
    }

    /// A node whose output is called `output` exactly: what reads it was there first, or will look for that name.
    pub(crate) fn node_feeding(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        self.names.take(output);
        self.push_node(op, inputs, output, attributes);
    }

    fn push_node(&mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) {
        self.model.graph.node.push(NodeProto {
            name: self.node_names.unique(&format!("pappus/{output}")),
            op_type: op.to_owned(),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute,
            ..NodeProto::default()
        });
    }

    /// Takes out the nodes, to be put back by [`append`](Self::append) behind others. Their names stay taken.
    pub(crate) fn take_nodes(&mut self) -> Vec<NodeProto> {
        std::mem::take(&mut self.model.graph.node)
    }

    /// Puts back what [`take_nodes`](Self::take_nodes) took out.
    pub(crate) fn append(&mut self, nodes: Vec<NodeProto>) {
        self.model.graph.node.extend(nodes);
    }

    /// Adds those of `nodes` that depend on the tensor `from` once more, reading `to` in its place. Returns the new names
    /// of what they make.
    pub(crate) fn append_again(&mut self, nodes: &[NodeProto], from: &str, to: &str) -> HashMap<String, String> {
        let mut new_names = HashMap::from([(from.to_owned(), to.to_owned())]);
        let mut again = GraphProto::default();
        for node in nodes {
            if !reads(node).iter().any(|&name| new_names.contains_key(name)) {
                continue;
            }
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                new_names.insert(output.clone(), self.names.unique(output));
            }
            again.node.push(NodeProto { name: self.node_names.unique(&node.name), ..node.clone() });
        }
        rename(&mut again, &new_names);
        self.append(again.node);
        new_names
    }

    /// An input of the graph; the name must be free.
    pub fn input(&mut self, name: &str, data_type: DataType, dims: &[Dim]) -> String {
        let name = self.unique(name);
        self.model.graph.input.push(value_info(&name, data_type, dims));
        name
    }

    /// Makes the tensor `name` an output of the graph.
    pub fn output(&mut self, name: &str, data_type: DataType, dims: &[Dim]) {
        self.model.graph.output.push(value_info(name, data_type, dims));
    }

    /// Sets an entry of the file's metadata, in place of one that has the same key.
    pub fn metadata(&mut self, key: &str, value: &str) {
        self.model.set_metadata(key, value);
    }

    /// The finished model.
    pub fn finish(self) -> Model {
        self.model
    }
}

fn value_info(name: &str, data_type: DataType, dims: &[Dim]) -> ValueInfoProto {
    let dimension = |dim: &Dim| match *dim {
        Dim::Size(size) => dimension::Value::DimValue(size),
        Dim::Name(name) => dimension::Value::DimParam(name.to_owned()),
    };
    let dim =
        dims.iter().map(|dim| Dimension { value: Some(dimension(dim)), denotation: String::new() }).collect::<Vec<_>>();
    let tensor = type_proto::Tensor { elem_type: data_type as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), denotation: String::new() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}
