//! Splicing a head onto an extractor.

use crate::backbone::{Extractor, FEATURES, PROBABILITIES};
use crate::onnx::proto::DataType;
use crate::onnx::{Dim, GraphBuilder, Model, attribute};
use crate::{Error, Head};

/// The key of the metadata entry that lists the classes, a JSON array of strings in the order of the probabilities.
pub const CLASSES: &str = "classes";

/// The whole model: `image` (uint8 [n, height, width, 3], RGB) to `probabilities` (float32 [n, classes]) and `features`
/// (float32 [n, d]), with the names of the classes in its metadata. The same parts give the same bytes.
///
/// # Errors
/// [`Error::Length`] when there are not as many names as the head has classes; what [`Model::parse`] says of an extractor
/// that was not made here.
pub fn assemble(extractor: &Extractor, head: &Head, classes: &[String]) -> Result<Vec<u8>, Error> {
    if classes.len() != head.classes() {
        return Err(Error::Length { what: "names of classes", found: classes.len(), expected: head.classes() });
    }
    let mut model = Model::parse(&extractor.onnx)?;
    model.graph.output.clear();
    model.graph.name = "classifier".to_owned();
    let mut graph = GraphBuilder::extend(model);
    graph.metadata(CLASSES, &serde_json::Value::from(classes).to_string());

    let (rows, columns) = (head.classes() as i64, head.weights().cols() as i64);
    let weights = graph.floats("head_weights", &[rows, columns], head.weights().as_slice());
    let bias = graph.floats("head_bias", &[rows], head.bias());
    let logits = graph.node("Gemm", &[FEATURES, &weights, &bias], vec![attribute::int("transB", 1)]);
    graph.node_feeding("Softmax", &[&logits], PROBABILITIES, vec![attribute::int("axis", 1)]);
    graph.output(PROBABILITIES, DataType::Float, &[Dim::Name("n"), Dim::Size(rows)]);
    graph.output(FEATURES, DataType::Float, &[Dim::Name("n"), Dim::Size(columns)]);
    Ok(graph.finish().into_bytes())
}
