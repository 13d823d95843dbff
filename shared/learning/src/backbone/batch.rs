//! Freeing a batch of fixed size.

use std::collections::HashMap;

use super::structure::Structure;
use crate::onnx::attribute;
use crate::onnx::proto::{DataType, NodeProto, TensorProto};

/// Nodes that take the place of others (by index), and the new shapes they read.
#[derive(Default)]
pub(super) struct Reshapes {
    pub nodes: HashMap<usize, NodeProto>,
    pub shapes: Vec<TensorProto>,
}

/// What must change for the fixed `batch` to be open: `Reshape` nodes whose constant shape begins with it, and `Squeeze`
/// nodes without axes behind a pool, which would take a batch of one for a dimension to drop.
pub(super) fn freed_nodes(structure: &Structure, batch: i64) -> Reshapes {
    let mut reshapes = Reshapes::default();
    for (index, node) in structure.graph.node.iter().enumerate() {
        match (node.op_type.as_str(), &node.input[..]) {
            ("Reshape", [data, shape]) if structure.is_live(data) => {
                if let Some(dims) = structure.integers(shape).and_then(|dims| freed(dims, batch)) {
                    reshapes.reshape(index, node, dims);
                }
            }
            ("Squeeze", [data]) if structure.axes(node).is_empty() && structure.is_pooled(data) => {
                let flat = NodeProto { op_type: "Flatten".to_owned(), ..node.clone() };
                reshapes.nodes.insert(index, NodeProto { attribute: vec![attribute::int("axis", 1)], ..flat });
            }
            _ => {}
        }
    }
    reshapes
}

impl Reshapes {
    fn reshape(&mut self, index: usize, node: &NodeProto, dims: Vec<i64>) {
        let mut node = node.clone();
        // `allowzero` would make a 0 mean nothing at all, where it must mean "as in the input".
        node.attribute.retain(|attribute| attribute.name != "allowzero");
        let name = format!("backbone_shape_{index}_{}", node.output.first().map_or("", String::as_str));
        node.input[1].clone_from(&name);
        self.nodes.insert(index, node);
        self.shapes.push(TensorProto {
            name,
            data_type: DataType::Int64 as i32,
            dims: vec![dims.len() as i64],
            int64_data: dims,
            ..TensorProto::default()
        });
    }
}

/// `None` when the shape does not begin with `batch`. At most one dimension may be −1 (whatever is left over); where
/// another is, the first becomes 0 (as in the input).
fn freed(mut dims: Vec<i64>, batch: i64) -> Option<Vec<i64>> {
    let (first, others) = dims.split_first_mut()?;
    if *first != batch {
        return None;
    }
    *first = if others.contains(&-1) { 0 } else { -1 };
    Some(dims)
}
