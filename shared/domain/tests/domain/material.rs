//! What several tests draw or build.

use pappus_domain::image::Label;
use pappus_domain::stats::Answer;
use pappus_domain::{DataSetEntry, Digest, ModelName, ModelVersion, Split, Timestamp};
use proptest::prelude::*;

/// Any digest.
pub fn digests() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

/// Labels of every shape that is allowed: inner spaces, other scripts, emoji.
pub fn labels() -> impl Strategy<Value = Label> {
    let text = prop_oneof![r"[a-z]{1,8}", r"[^\p{C}\s/\\.]([^\p{C}/\\]{0,20}[^\p{C}\s/\\])?"];
    text.prop_map(|text| text.parse().unwrap())
}

/// Model versions from a small choice, so that equal ones meet.
pub fn versions() -> impl Strategy<Value = ModelVersion> {
    (0_u8..4).prop_map(|n| ModelVersion::from_digest(&Digest::of(&[n])))
}

/// Entries of few images, so that one image comes several times.
pub fn entries() -> impl Strategy<Value = Vec<DataSetEntry>> {
    let split = prop_oneof![Just(Split::Train), Just(Split::Test)];
    let entry = (0_u8..20, labels(), split, any::<u64>()).prop_map(|(image, label, split, group)| DataSetEntry {
        image: Digest::of(&[image]),
        label,
        split,
        group,
    });
    prop::collection::vec(entry, 0..40)
}

/// Times that can be written: from 1970 to 2200, to the nanosecond.
pub fn times() -> impl Strategy<Value = Timestamp> {
    (0_i64..7_258_118_400, 0_i32..1_000_000_000).prop_map(|(s, ns)| Timestamp::new(s, ns).unwrap())
}

/// The name of a model.
pub fn leaf() -> ModelName {
    "leaf".parse().unwrap()
}

/// The classes `a`, `b`, `c` and so on.
pub fn classes(count: u8) -> Vec<Label> {
    (b'a'..b'a' + count).map(|letter| char::from(letter).to_string().parse().unwrap()).collect()
}

/// An answer with the probability `sure` for one class and the rest spread over the others.
pub fn answer(classes: usize, truth: usize, class: usize, sure: f32) -> Answer {
    let mut probabilities = vec![(1.0 - sure) / (classes - 1) as f32; classes];
    probabilities[class] = sure;
    Answer { truth, probabilities }
}

/// Answers that fill a confusion matrix (rows truth, columns answer), each with the probability `sure`.
pub fn answers<const K: usize>(confusion: [[usize; K]; K], sure: f32) -> Vec<Answer> {
    let cells = (0..K).flat_map(|truth| (0..K).map(move |class| (truth, class)));
    cells.flat_map(|(truth, class)| vec![answer(K, truth, class, sure); confusion[truth][class]]).collect()
}
