//! What can be wrong with what this crate is given.

/// Errors of learning. Each is about the input, and no repetition cures it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not an ONNX file.
    #[error("not an ONNX file")]
    NotOnnx(#[source] prost::DecodeError),
    /// The file holds no graph, or one without outputs.
    #[error("the ONNX file holds no graph with an output")]
    NoGraph,
    /// The file is larger than what is read.
    #[error("the ONNX file has {bytes} bytes, more than the {limit} that are read")]
    ModelTooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// Weights stand in other files.
    #[error(
        "the weights `{tensor}` stand in another file: save the network as a single ONNX file, without external data"
    )]
    ExternalData {
        /// The first such tensor.
        tensor: String,
    },
    /// Operators in a version that is not supported.
    #[error(
        "the network is written in opset {found}, supported are {oldest} to {newest}: convert it with onnx.version_converter"
    )]
    Opset {
        /// The version in the file.
        found: i64,
        /// The oldest supported.
        oldest: i64,
        /// The newest supported.
        newest: i64,
    },
    /// A file format that is too new.
    #[error("the ONNX file has format version {found}, newer than the runtime's {newest}")]
    IrVersion {
        /// The version in the file.
        found: i64,
        /// The newest supported.
        newest: i64,
    },

    /// The network takes several inputs, or none.
    #[error("the network takes {} inputs ({}), an image network takes one", found.len(), found.join(", "))]
    InputCount {
        /// Their names.
        found: Vec<String>,
    },
    /// The input has not the shape of a batch of colour images.
    #[error(
        "the input `{input}` of shape [{shape}] is not a batch of images: four dimensions are wanted, one of them the 3 colours"
    )]
    NotAnImage {
        /// The name of the input.
        input: String,
        /// Its shape as declared.
        shape: String,
    },
    /// The input has another element type than float32.
    #[error("the input `{input}` is of type {found}, float32 is wanted")]
    InputType {
        /// The name of the input.
        input: String,
        /// The type it has.
        found: String,
    },
    /// The output does not depend on the input.
    #[error("the output `{output}` of the network does not depend on its input `{input}`")]
    OutputUnreachable {
        /// The output.
        output: String,
        /// The input.
        input: String,
    },
    /// A classifier whose last weighted layer cannot be found.
    #[error("the network looks like a classifier, but no last weighted layer was found going back from `{output}`")]
    NoFeatures {
        /// Where the search began.
        output: String,
    },
    /// Scores are wanted of a network that is no classifier.
    #[error("the network is not a classifier, so it has no class scores: cut it at its features")]
    NoScores,
    /// The features are neither a vector nor a map for each image.
    #[error("the features `{tensor}` have {} dimensions, 2 or 4 are wanted", rank.map_or("an unknown number of".to_owned(), |rank| rank.to_string()))]
    FeatureRank {
        /// The tensor.
        tensor: String,
        /// The number of its dimensions, when known.
        rank: Option<usize>,
    },
    /// The largest value of each feature is wanted where there is no map to find it in.
    #[error("`{tensor}` is no map of features pooled over the image, so there is only a mean: pool by the mean")]
    NoMap {
        /// The tensor.
        tensor: String,
    },
    /// A second size is wanted of a network in an opset that cannot resize.
    #[error(
        "a second look at the image needs opset {oldest}, the network is written in opset {found}: convert it with onnx.version_converter"
    )]
    NoResize {
        /// The version in the file.
        found: i64,
        /// The oldest that can.
        oldest: i64,
    },
    /// Another size is wanted of a network that works at one size only.
    #[error("the network works at {width}×{height} only: {reason}")]
    FixedSize {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// What ties it to the size.
        reason: String,
    },
    /// The size wanted or declared is out of range.
    #[error("an input of {width}×{height} pixels is out of range: {min} to {max} on each side")]
    Size {
        /// The width.
        width: i64,
        /// The height.
        height: i64,
        /// The smallest side.
        min: u32,
        /// The largest side.
        max: u32,
    },
    /// A normalisation that has no such name.
    #[error("`{0}` is no normalisation: imagenet, minus-one-to-one or caffe, or mean and std in a file")]
    UnknownNormalisation(String),
    /// The description of a backbone cannot be read.
    #[error("the description of the backbone cannot be read")]
    Description(#[source] toml::de::Error),
    /// The description of a backbone contradicts itself or lacks something.
    #[error("the description of the backbone is wrong: {0}")]
    Contradiction(&'static str),

    /// A matrix or list whose size does not fit the others.
    #[error("{what}: {found} where {expected} are wanted")]
    Length {
        /// What has the wrong size.
        what: &'static str,
        /// The size it has.
        found: usize,
        /// The size it should have.
        expected: usize,
    },
    /// A feature that is infinite or not a number.
    #[error("the feature in row {row}, column {column} is {value}")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
    },
    /// Labels that cannot be learned from.
    #[error("the labels cannot be learned from: {0}")]
    Labels(String),
    /// A parameter out of range.
    #[error("{name} is {value}, {wanted} is wanted")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        wanted: &'static str,
    },
}
