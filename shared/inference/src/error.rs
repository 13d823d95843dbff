//! What can go wrong: with an image ([`ImageError`], the sender's fault) and with everything else ([`Error`]).

use std::path::PathBuf;

use pappus_domain::{Digest, ModelVersion};

/// Why an image is refused. The message is for whoever sent it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// There is nothing.
    #[error("the image is empty")]
    Empty,
    /// More bytes than allowed.
    #[error("the image has {bytes} bytes, more than the {limit} allowed: send a smaller one")]
    TooManyBytes {
        /// What it has.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// No picture, or of no known format.
    #[error("not an image of a known format: JPEG, PNG, BMP, TIFF and WebP are read")]
    NotAnImage,
    /// A picture, but of another format.
    #[error("{0} is not read: send JPEG, PNG, BMP, TIFF or WebP")]
    UnsupportedFormat(&'static str),
    /// Fewer pixels than allowed.
    #[error("the image is {width}×{height} pixels, smaller than {limit}×{limit}")]
    TooSmall {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The least side.
        limit: u32,
    },
    /// More pixels than allowed; found before anything was decoded.
    #[error("the image is {width}×{height} pixels, more than {limit} megapixels: send a smaller one")]
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The most, in millions.
        limit: u64,
    },
    /// It ends too early.
    #[error("the image is cut off: its last part is missing")]
    Truncated,
    /// It cannot be decoded.
    #[error("the image is damaged and cannot be decoded")]
    Damaged(#[source] image::ImageError),
    /// The decoder failed on it.
    #[error("the image is damaged in a way that the decoder cannot handle")]
    DecoderFailed,
}

impl ImageError {
    /// A short stable name, for metrics and machines.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::NotAnImage => "not_an_image",
            Self::UnsupportedFormat(_) => "unsupported_format",
            Self::TooSmall { .. } => "too_small",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::Truncated => "truncated",
            Self::Damaged(_) | Self::DecoderFailed => "damaged",
        }
    }
}

/// What else can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// ONNX Runtime's shared library is nowhere.
    #[error(
        "ONNX Runtime's shared library was not found (looked at {}): run `scripts/onnxruntime` or set ORT_DYLIB_PATH to \
         libonnxruntime.so", list(.looked)
    )]
    RuntimeMissing {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The library that is there cannot be used.
    #[error(
        "ONNX Runtime at {} cannot be used: version 1.{} or newer is needed (run `scripts/onnxruntime`, or set \
         ORT_DYLIB_PATH)", .path.display(), ort::MINOR_VERSION
    )]
    RuntimeUnusable {
        /// The library.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ort::LoadDynamicError,
    },
    /// ONNX Runtime refused something.
    #[error("ONNX Runtime failed to {doing}")]
    Runtime {
        /// What was tried.
        doing: &'static str,
        /// Its reason.
        #[source]
        source: ort::Error,
    },
    /// The network is not what a package or an extractor holds.
    #[error("the network cannot be used: {0}")]
    WrongNetwork(String),
    /// A file of a package is not what the manifest says.
    #[error(
        "{file} of model version {version} has digest {found}, but its manifest says {expected}: the package is damaged, \
         restore it or train again"
    )]
    DigestMismatch {
        /// The version.
        version: ModelVersion,
        /// The file.
        file: String,
        /// What the manifest says.
        expected: Box<Digest>,
        /// What it is.
        found: Box<Digest>,
    },
    /// A file of a package cannot be read as what it is.
    #[error("{file} of the model package cannot be read: the package is damaged, restore it or train again")]
    BadPackage {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A package of a layout or with steps that this build does not know.
    #[error("the model package wants {what} `{wanted}`, and this build knows `{known}`: upgrade Pappus")]
    TooNew {
        /// What it wants.
        what: &'static str,
        /// Its name or number.
        wanted: String,
        /// The one that is known.
        known: String,
    },
    /// The model does not answer as it did when it was made.
    #[error(
        "model version {version} does not reproduce its golden answers (off by {off:.6}, allowed {allowed:.6}): it is not \
         served"
    )]
    GoldenMismatch {
        /// The version.
        version: ModelVersion,
        /// The largest difference of a probability.
        off: f32,
        /// The largest allowed.
        allowed: f32,
    },
    /// An image of the package is refused.
    #[error("a golden image of the model package is refused")]
    GoldenImage(#[from] ImageError),
    /// The object store failed.
    #[error("the model package cannot be read or written")]
    Objects(#[from] pappus_objects::Error),
    /// A name makes no key of an object.
    #[error(transparent)]
    Key(#[from] pappus_objects::NotAKey),
    /// No thread could be started.
    #[error("a worker thread cannot be started")]
    Thread(#[source] std::io::Error),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
