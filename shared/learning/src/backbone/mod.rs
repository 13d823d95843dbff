//! Any ImageNet network as an extractor of features.
//!
//! Out comes a graph with the input `image`, uint8 [n, height, width, 3] in RGB, and the output `features`, float32
//! [n, d]. Normalisation happens inside; a classifier is cut before its last weighted layer, after which everything only
//! speaks of the classes it was trained on; a map of features is pooled over the image. On request the network looks at the
//! image a second time at another size, with the same weights.

mod batch;
mod convolutional;
mod cut;
mod input;
mod options;
mod prelude;
mod second;
mod structure;
mod variants;

use std::collections::{HashMap, HashSet};

pub use options::{BackboneOptions, ChannelOrder, Cut, Normalisation, Pooling};
pub use variants::{Variant, variants};

use crate::Error;
use crate::onnx::proto::{DataType, GraphProto};
use crate::onnx::{Dim, GraphBuilder, Model, Names, reads, rename};
use input::ImageInput;
use structure::Structure;

/// The name of the input of every graph that this crate makes: uint8 [n, height, width, 3], RGB.
pub const IMAGE: &str = "image";
/// The name of the output that holds the features: float32 [n, d].
pub const FEATURES: &str = "features";
/// The name of the output that holds the answer: float32 [n, classes].
pub const PROBABILITIES: &str = "probabilities";

/// The key of the metadata entry that lists the blocks of the features, a JSON array of lengths.
const BLOCKS: &str = "feature_blocks";

/// A network from `image` (uint8 [n, height, width, 3], RGB) to `features` (float32 [n, d]). What d is shows when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extractor {
    /// The ONNX file.
    pub onnx: Vec<u8>,
    /// The width of its input in pixels.
    pub width: u32,
    /// The height of its input in pixels.
    pub height: u32,
}

impl Extractor {
    /// Makes an extractor of the ImageNet network in the ONNX file `network`: one input, float32, [n, 3, h, w] or
    /// [n, h, w, 3]; of several outputs the first counts. A batch of fixed size is freed; a network that bends its batch
    /// in other ways than by reshaping shows so only when it runs, so try it on two images.
    ///
    /// # Errors
    /// What [`Model::parse`] and [`Model::check_versions`] refuse; [`Error::InputCount`], [`Error::NotAnImage`],
    /// [`Error::InputType`], [`Error::Size`] for the input; [`Error::FixedSize`] when another or a second size is wanted of a
    /// network that is not fully convolutional, [`Error::NoResize`] when a second is wanted of one in an old opset;
    /// [`Error::OutputUnreachable`], [`Error::NoFeatures`], [`Error::NoScores`], [`Error::NoMap`] and
    /// [`Error::FeatureRank`] for the output; [`Error::Contradiction`] for the options.
    pub fn from_network(network: &[u8], options: &BackboneOptions) -> Result<Self, Error> {
        let mut model = Model::parse(network)?;
        model.check_versions()?;
        let input = ImageInput::read(&model.graph)?;
        let (width, height) = input.size(options.size)?;
        let second = options.second_size.map(|size| input.size(Some(size))).transpose()?;
        second::check_opset(&model, second)?;
        let structure = Structure::new(&model.graph, &input.name);
        let cut = cut::find(&structure, options.cut, options.pooling)?;
        let ends: Vec<&str> = cut.iter().map(|end| end.tensor.as_str()).collect();
        let kept = needed(&model.graph, &ends);
        let is_resized = second.is_some() || input.is_resized(width, height);
        if let Some(reason) = convolutional::obstacle(&structure, &kept).filter(|_| is_resized) {
            let (width, height) = input.fixed_size().unwrap_or((width, height));
            return Err(Error::FixedSize { width, height, reason });
        }
        let reshapes = input.batch.map(|batch| batch::freed_nodes(&structure, batch)).unwrap_or_default();

        model.graph = prune(model.graph, &kept, reshapes);
        let onnx = rebuild(model, &input, (width, height), cut, options)?.into_bytes();
        Ok(Self { onnx, width, height })
    }

    /// The lengths of the blocks that the features consist of, in their order: one for each tensor the network is cut at,
    /// each pooling, and each size. Empty when the graph does not say.
    pub fn blocks(&self) -> Vec<usize> {
        let listed = |model: Model| serde_json::from_str(model.metadata(BLOCKS)?).ok();
        Model::parse(&self.onnx).ok().and_then(listed).unwrap_or_default()
    }
}

/// The indices of the nodes that the tensors `ends` depend on.
fn needed(graph: &GraphProto, ends: &[&str]) -> HashSet<usize> {
    let producers: HashMap<&str, usize> =
        graph.node.iter().enumerate().flat_map(|(i, n)| n.output.iter().map(move |o| (o.as_str(), i))).collect();
    let mut kept = HashSet::new();
    let mut open: Vec<&str> = ends.to_vec();
    while let Some(tensor) = open.pop() {
        if let Some(&node) = producers.get(tensor)
            && kept.insert(node)
        {
            open.extend(reads(&graph.node[node]));
        }
    }
    kept
}

/// Leaves the nodes `kept`, the constants they read, and nothing else; `reshapes` take the place of nodes.
fn prune(mut graph: GraphProto, kept: &HashSet<usize>, mut reshapes: batch::Reshapes) -> GraphProto {
    let nodes = std::mem::take(&mut graph.node).into_iter().enumerate().filter(|(index, _)| kept.contains(index));
    graph.node = nodes.map(|(index, node)| reshapes.nodes.remove(&index).unwrap_or(node)).collect();
    graph.initializer.extend(reshapes.shapes);
    let read: HashSet<&str> = graph.node.iter().flat_map(reads).collect();
    graph.initializer.retain(|tensor| read.contains(tensor.name.as_str()));
    graph.sparse_initializer.retain(|t| t.values.as_ref().is_some_and(|v| read.contains(v.name.as_str())));
    graph.value_info.clear();
    graph.quantization_annotation.clear();
    graph.input.clear();
    graph.output.clear();
    graph
}

/// Puts normalisation before the pruned network and pooling behind it, and the network between them once more where it is
/// to look twice.
fn rebuild(
    mut model: Model,
    input: &ImageInput,
    (width, height): (u32, u32),
    mut cut: Vec<cut::End>,
    options: &BackboneOptions,
) -> Result<Model, Error> {
    let mut entrance = input.name.clone();
    let new_names = free_our_names(&model.graph);
    rename(&mut model.graph, &new_names);
    for name in cut.iter_mut().map(|end| &mut end.tensor).chain([&mut entrance]) {
        if let Some(new) = new_names.get(name) {
            name.clone_from(new);
        }
    }
    let is_float = model.graph.initializer.iter().all(|tensor| !is_other_float(tensor.data_type()));
    let mut builder = GraphBuilder::extend(model);
    let body = builder.take_nodes();
    let dims = [Dim::Name("n"), Dim::Size(height.into()), Dim::Size(width.into()), Dim::Size(3)];
    let image = builder.input(IMAGE, DataType::Uint8, &dims);
    prelude::normalise(&mut builder, &image, &entrance, input.layout, options.constants()?);
    let again = options.second_size.map(|_| body.clone());
    builder.append(body);
    if let (Some(body), Some(size)) = (again, options.second_size) {
        cut.extend(second::add(&mut builder, &body, (&entrance, input.layout), size, &cut));
    }
    let blocks = cut::pool(&mut builder, &cut, options.pooling, is_float);
    builder.metadata(BLOCKS, &serde_json::Value::from(blocks).to_string());
    builder.output(FEATURES, DataType::Float, &[Dim::Name("n"), Dim::Name("d")]);
    Ok(builder.finish())
}

/// New names for tensors of the network that bear one of ours.
fn free_our_names(graph: &GraphProto) -> HashMap<String, String> {
    let mut names = Names::of(graph);
    let ours = [IMAGE, FEATURES, PROBABILITIES];
    ours.into_iter().map(|name| (name.to_owned(), names.unique(&format!("backbone_{name}")))).collect()
}

/// A network may be float32 outside and something else within.
fn is_other_float(data_type: DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Bfloat16 | DataType::Double)
}
