//! An ONNX file that has been read and found whole.

use prost::Message;

use super::proto::{GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};
use crate::Error;

/// The largest file that is read. Protobuf itself ends at 2 GiB.
pub const MAX_BYTES: usize = 1 << 30;

/// The versions of ONNX's own operators that are understood: broadcasting as it is today began with 7, and the newest is
/// the newest that ONNX Runtime 1.32 runs.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// The newest version of the file format that ONNX Runtime 1.32 reads.
pub const MAX_IR: i64 = 14;

/// An ONNX file: its header, and its graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Everything but the graph; its `graph` is `None`.
    pub header: ModelProto,
    /// The graph.
    pub graph: GraphProto,
}

impl Model {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// [`Error::ModelTooLarge`] above [`MAX_BYTES`], [`Error::NotOnnx`] when the bytes are no protobuf message of that
    /// kind, [`Error::NoGraph`], and [`Error::ExternalData`] when weights stand in other files.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::ModelTooLarge { bytes: bytes.len(), limit: MAX_BYTES });
        }
        let mut header = ModelProto::decode(bytes).map_err(Error::NotOnnx)?;
        let graph = header.graph.take().filter(|graph| !graph.output.is_empty()).ok_or(Error::NoGraph)?;
        if let Some(tensor) = external_in_graph(&graph) {
            return Err(Error::ExternalData { tensor: tensor.name.clone() });
        }
        Ok(Self { header, graph })
    }

    /// Writes the file. The same model always gives the same bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        ModelProto { graph: Some(self.graph), ..self.header }.encode_to_vec()
    }

    /// The version of ONNX's own operators; `None` when the file does not import them.
    pub fn opset(&self) -> Option<i64> {
        let own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
        self.header.opset_import.iter().find(|set| own(&set.domain)).map(|set| set.version)
    }

    /// Refuses a file in a version that the runtime cannot run, or older than broadcasting.
    ///
    /// # Errors
    /// [`Error::Opset`] or [`Error::IrVersion`].
    pub fn check_versions(&self) -> Result<(), Error> {
        let opset = self.opset().unwrap_or(1);
        if !OPSETS.contains(&opset) {
            return Err(Error::Opset { found: opset, oldest: *OPSETS.start(), newest: *OPSETS.end() });
        }
        if self.header.ir_version > MAX_IR {
            return Err(Error::IrVersion { found: self.header.ir_version, newest: MAX_IR });
        }
        Ok(())
    }

    /// The metadata entry `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// Sets a metadata entry, in place of one that has the same key.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        self.header.metadata_props.retain(|entry| entry.key != key);
        let entry = StringStringEntryProto { key: key.to_owned(), value: value.to_owned() };
        self.header.metadata_props.push(entry);
    }
}

fn external_in_graph(graph: &GraphProto) -> Option<&TensorProto> {
    let sparse = graph.sparse_initializer.iter().flat_map(|tensor| tensor.values.iter().chain(&tensor.indices));
    let external = graph.initializer.iter().chain(sparse).find(|tensor| is_external(tensor));
    external.or_else(|| graph.node.iter().find_map(external_in_node))
}

fn external_in_node(node: &NodeProto) -> Option<&TensorProto> {
    node.attribute.iter().find_map(|attribute| {
        let external = attribute.t.as_deref().into_iter().chain(&attribute.tensors).find(|tensor| is_external(tensor));
        external.or_else(|| attribute.g.as_deref().into_iter().chain(&attribute.graphs).find_map(external_in_graph))
    })
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location != 0 || !tensor.external_data.is_empty()
}
