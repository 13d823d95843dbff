//! Where each row is: the partition it lies in, its place there, and its places in the two orders beside that one.
//!
//! What there is little of lies in one partition a kind, which takes about 1,000 writes a second. What there is much of
//! is spread over several: images by the first digit of their id, so that the partitions one after another are in the
//! order of the ids; sources by a digest of their URL; predictions by the hour and by their id.
//!
//! Every part of a key that is followed by another ends with a slash, and holds none.

use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::trigger::{DecisionId, DecisionRecord};
use pappus_domain::{Digest, Feedback, ModelName, ModelVersion, Run, RunId, Timestamp};

/// The partitions that images, and sources, are spread over: one a hexadecimal digit.
pub(super) const SHARDS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

pub(super) const DATA_SETS: &str = "data-set";
pub(super) const RUNS: &str = "run";
pub(super) const MODELS: &str = "model";
pub(super) const EVALUATIONS: &str = "evaluation";
pub(super) const RELEASES: &str = "release";
pub(super) const LEDGER: &str = "ledger";
pub(super) const DECISIONS: &str = "decision";
pub(super) const FEEDBACK: &str = "feedback";
/// Which partitions there are of predictions.
pub(super) const HOURS: &str = "prediction";

/// A row's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) partition: String,
    pub(super) place: String,
}

impl Key {
    pub(super) fn new(partition: impl Into<String>, place: impl Into<String>) -> Self {
        Self { partition: partition.into(), place: place.into() }
    }

    /// What the table is, and of which layout.
    pub(super) fn layout() -> Self {
        Self::new("pappus", "layout")
    }

    pub(super) fn image(id: &Digest) -> Self {
        Self::new(images(shard_of(id)), image_place(id))
    }

    pub(super) fn source(url: &str) -> Self {
        Self::new(sources(source_shard(url)), format!("url/{}", bounded(url)))
    }

    pub(super) fn data_set(digest: &Digest) -> Self {
        Self::new(DATA_SETS, digest.to_string())
    }

    pub(super) fn run(id: &RunId) -> Self {
        Self::new(RUNS, id.0.simple().to_string())
    }

    pub(super) fn model(name: &ModelName, version: &ModelVersion) -> Self {
        Self::new(MODELS, format!("{name}/{version}"))
    }

    pub(super) fn evaluation(name: &ModelName, version: &ModelVersion, data_set: &Digest) -> Self {
        Self::new(EVALUATIONS, format!("{name}/{version}/{data_set}"))
    }

    pub(super) fn release(model: &ModelName) -> Self {
        Self::new(RELEASES, model.as_str())
    }

    pub(super) fn ledger_entry(model: &ModelName, generation: u64) -> Self {
        Self::new(LEDGER, format!("{model}/{generation:020}"))
    }

    pub(super) fn decision(id: &DecisionId) -> Self {
        Self::new(DECISIONS, id.0.simple().to_string())
    }

    pub(super) fn feedback(prediction: &PredictionId) -> Self {
        Self::new(FEEDBACK, prediction.0.simple().to_string())
    }

    pub(super) fn lease(name: &str) -> Self {
        Self::new("lease", format!("name/{}", bounded(name)))
    }
}

/// A partition of images.
pub(super) fn images(shard: char) -> String {
    format!("image/{shard}")
}

pub(super) fn image_place(id: &Digest) -> String {
    format!("id/{id}")
}

/// The shard of an image: the first digit of its id.
pub(super) fn shard_of(id: &Digest) -> char {
    SHARDS[usize::from(id.as_bytes()[0] >> 4)]
}

/// In the first order: the labelled images, by label, status and id.
pub(super) fn labelled_image(label: &Label, status: &str, id: &str) -> String {
    format!("{label}/{status}/{id}")
}

/// In the second order: all images, by status and id.
pub(super) fn image_of_status(status: &str, id: &str) -> String {
    format!("{status}/{id}")
}

/// Where images of this status and label are counted; the last is empty for those without one.
pub(super) fn image_count(status: &str, label: Option<&Label>) -> String {
    format!("count/{status}/{}", label.map_or("", Label::as_str))
}

/// A partition of sources.
pub(super) fn sources(shard: char) -> String {
    format!("source/{shard}")
}

/// The shard of a source, which its order does not come from: URLs begin alike.
pub(super) fn source_shard(url: &str) -> char {
    shard_of(&Digest::of(url.as_bytes()))
}

/// In the first order: the pending sources, by URL.
pub(super) fn pending_source(url: &str) -> String {
    format!("pending/{}", bounded(url))
}

/// Where sources of this status are counted.
pub(super) fn source_count(status: &str) -> String {
    format!("count/{status}")
}

/// In the first order: the runs of a model, by age.
pub(super) fn run_by_age(run: &Run) -> String {
    let id = run.request.run.0.simple();
    format!("{}/{}/{id}", run.request.model, by_time(run.requested_at))
}

/// In the first order: the versions of a model, by age.
pub(super) fn model_by_age(name: &ModelName, created_at: Timestamp, version: &ModelVersion) -> String {
    format!("{name}/{}/{version}", by_time(created_at))
}

/// In the first order: the evaluations of a version, by age.
pub(super) fn evaluation_by_age(name: &ModelName, version: &ModelVersion, at: Timestamp, data_set: &Digest) -> String {
    format!("{name}/{version}/{}/{data_set}", by_time(at))
}

/// In the first order: the decisions about a model, by age.
pub(super) fn decision_by_age(decision: &DecisionRecord) -> String {
    format!("{}/{}", decision.model, decision_by_time(decision))
}

/// In the second order: all decisions, by age.
pub(super) fn decision_by_time(decision: &DecisionRecord) -> String {
    format!("{}/{}", by_time(decision.at), decision.id.0.simple())
}

/// In the first order: what was told of a version's predictions, by when those were made.
pub(super) fn feedback_by_time(Feedback { prediction, model, version, predicted_at, .. }: &Feedback) -> String {
    format!("{model}/{version}/{}/{}", by_time(*predicted_at), prediction.0.simple())
}

/// A partition of predictions: those of one hour, one in eight of them.
///
/// An hour of all that a partition can take, 1,000 kilobytes a second, is less than the 10 gigabytes that it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct HourPart {
    /// Hours since 1970.
    pub(super) hour: i64,
    /// 0 to 7.
    pub(super) part: u8,
}

const MILLISECONDS: i64 = 3_600_000;
const PARTS: u8 = 8;

impl HourPart {
    /// The partition that a prediction's id tells. A UUIDv7 begins with a time, in milliseconds; of any other UUID, what
    /// stands there is as good as a time.
    pub(super) fn of_id(id: &PredictionId) -> Self {
        let milliseconds = (id.0.as_u128() >> 80) as i64;
        Self { hour: hour_of(milliseconds), part: part_of(id) }
    }

    /// The partition of a prediction by when it was made.
    pub(super) fn of_time(at: Timestamp, id: &PredictionId) -> Self {
        Self { hour: hour_of(at.as_millisecond()), part: part_of(id) }
    }

    pub(super) fn partition(self) -> String {
        format!("{HOURS}/{}/{}", self.hour, self.part)
    }

    /// The partition that is called so, if it is one of predictions.
    pub(super) fn of_partition(name: &str) -> Option<Self> {
        let (hour, part) = name.strip_prefix(HOURS)?.strip_prefix('/')?.split_once('/')?;
        Some(Self { hour: hour.parse().ok()?, part: part.parse().ok()? })
    }

    /// The key of a prediction in this partition.
    pub(super) fn key(self, id: &PredictionId) -> Key {
        Key::new(self.partition(), id.0.simple().to_string())
    }

    /// The key under which this partition is listed.
    pub(super) fn listed(self) -> Key {
        Key::new(HOURS, format!("{}/{}", ordered(self.hour), self.part))
    }
}

/// The hour of a time in milliseconds.
pub(super) const fn hour_of(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(MILLISECONDS)
}

/// By the last bits of the id, which are random.
fn part_of(id: &PredictionId) -> u8 {
    id.0.as_bytes()[15] % PARTS
}

/// In the first order: the predictions of a partition, by when they were made.
pub(super) fn prediction_by_time(at: Timestamp, id: &PredictionId) -> String {
    format!("{}/{}", by_time(at), id.0.simple())
}

/// A time as text that sorts as the time does.
fn by_time(at: Timestamp) -> String {
    ordered(at.as_millisecond())
}

/// A number as text that sorts as the number does.
pub(super) fn ordered(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

/// The most bytes of a text that go into a key as they are: a place may have 1,024, and holds more than the text.
const BOUND: usize = 900;

/// The beginning of a text, as much of it as goes into a key.
pub(super) fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(BOUND)]
}

/// A text as part of a key. One that is too long is there by its beginning and its digest, so that all of one beginning
/// are side by side. The last of all characters keeps them behind whatever is short and begins so too.
fn bounded(text: &str) -> String {
    let beginning = beginning(text);
    if beginning.len() == text.len() {
        return text.into();
    }
    format!("{beginning}\u{10FFFF}{}", Digest::of(text.as_bytes()))
}
