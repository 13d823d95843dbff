//! Golden answers: what a model answered when it was made, to be reproduced before it serves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The golden answers of a package, `golden.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// The largest difference of a probability that still counts as the same. Not zero: processors differ in the order
    /// in which they add.
    pub tolerance: f32,
    /// The images and their answers.
    pub images: Vec<GoldenImage>,
}

impl Golden {
    /// The tolerance that packages are made with.
    pub const TOLERANCE: f32 = 1e-3;
}

/// One image and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldenImage {
    /// The bytes of the image, as they came; base64 in the file.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub image: Vec<u8>,
    /// The probability of each class, in the order of the outputs.
    pub probabilities: Vec<f32>,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
