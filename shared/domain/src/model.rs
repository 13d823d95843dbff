//! Models: their names, their versions, and the manifest of a package.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data_set::ClassCount;
use crate::digest::Digest;
use crate::image::Label;
use crate::run::{Recipe, RunId};
use crate::stats::Proportion;

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $error:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        /// A text that cannot be such a name.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error("`{0}` cannot be {what}: 1 to 64 lowercase letters, digits and inner hyphens are wanted", what = $what)]
        pub struct $error(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                let edge = text.starts_with('-') || text.ends_with('-');
                if text.is_empty() || text.len() > 64 || edge || !text.bytes().all(allowed) {
                    return Err($error(text.chars().take(80).collect()));
                }
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// The name of a model, such as `dandelion-grass`.
    ModelName, NotAModelName, "the name of a model"
}

name_type! {
    /// The version of a model: the first twelve digits of a digest over all that makes it answer as it does, so that
    /// equal versions are equal models.
    ModelVersion, NotAModelVersion, "the version of a model"
}

impl ModelVersion {
    /// The version whose identity is `digest`.
    pub fn from_digest(digest: &Digest) -> Self {
        Self(digest.short(12))
    }
}

/// How pixels are made from bytes: each step by the name and version of its one implementation (`pappus-inference`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Bytes to RGB pixels, such as `rgb8-exif/1`.
    pub decode: String,
    /// Pixels to the input size, such as `stretch-bilinear/1`.
    pub resize: String,
    /// Width of the input tensor in pixels.
    pub width: u32,
    /// Height of the input tensor in pixels.
    pub height: u32,
}

/// The pretrained network under a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackboneFacts {
    /// Its file name, for people.
    pub file: String,
    /// The digest of its file.
    pub digest: Digest,
}

/// Accuracy in cross-validation on the training side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Folds of each repeat.
    pub folds: usize,
    /// Repeats with other folds.
    pub repeats: usize,
    /// Mean accuracy over the repeats, 0 to 1.
    pub accuracy: f64,
    /// Standard deviation between the repeats.
    pub deviation: f64,
}

/// What a model was learned from, how, and what was measured on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The run.
    pub run: RunId,
    /// The data set's digest.
    pub data_set: Digest,
    /// Images of each class.
    pub counts: BTreeMap<Label, ClassCount>,
    /// The recipe in the end, never `auto`.
    pub recipe: Recipe,
    /// The pretrained network, where there is one.
    pub backbone: Option<BackboneFacts>,
    /// The seed.
    pub seed: u64,
    /// What was chosen, by name.
    pub parameters: BTreeMap<String, String>,
    /// Accuracy on held-out folds of the training side.
    pub cross_validation: CrossValidation,
    /// Accuracy on the test side, which nothing was chosen by.
    pub test: Proportion,
    /// The version of the code.
    pub code: String,
}

/// The manifest of a package, `manifest.json`: written last, so a package without one is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of this file: 1.
    pub schema: u32,
    /// The model.
    pub name: ModelName,
    /// The version.
    pub version: ModelVersion,
    /// The classes, in the order of the outputs.
    pub classes: Vec<Label>,
    /// How its input is made.
    pub preprocessing: Preprocessing,
    /// Each file of the package and its digest.
    pub files: BTreeMap<String, Digest>,
    /// Where it came from.
    pub training: Training,
    /// When the package was made.
    pub created_at: Timestamp,
}

impl Manifest {
    /// The layout that this code writes and reads.
    pub const SCHEMA: u32 = 1;
    /// The network of a package.
    pub const MODEL: &'static str = "model.onnx";
    /// The golden answers of a package.
    pub const GOLDEN: &'static str = "golden.json";
    /// The manifest of a package.
    pub const FILE: &'static str = "manifest.json";
    /// The folder of the plots beside a package. They are none of its files: no digest and no version depends on them.
    pub const PLOTS: &'static str = "plots";

    /// The object key of one file of a package.
    pub fn object_key(name: &ModelName, version: &ModelVersion, file: &str) -> String {
        format!("models/{name}/{version}/{file}")
    }

    /// The version that these parts make: what the network, its golden answers, its classes, its preprocessing and the
    /// data set are decides it, and nothing else.
    pub fn identify(
        files: &BTreeMap<String, Digest>,
        classes: &[Label],
        preprocessing: &Preprocessing,
        data_set: &Digest,
    ) -> ModelVersion {
        let Preprocessing { decode, resize, width, height } = preprocessing;
        let mut parts: Vec<Vec<u8>> = vec![b"pappus model/1".to_vec(), data_set.as_bytes().to_vec()];
        parts.extend([decode, resize].map(|text| text.as_bytes().to_vec()));
        parts.extend([width, height].map(|side| side.to_le_bytes().to_vec()));
        parts.extend(classes.iter().map(|class| class.as_str().as_bytes().to_vec()));
        parts.extend(files.iter().flat_map(|(file, digest)| [file.as_bytes().to_vec(), digest.as_bytes().to_vec()]));
        ModelVersion::from_digest(&Digest::of_parts(parts.iter().map(Vec::as_slice)))
    }
}
