//! A prediction log as predict writes it. Each prediction is made from its number, so that any can be asked for again
//! and none has to be remembered.

use std::time::Duration;

use anyhow::{Context as _, Result};
use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Digest, ModelName, ModelVersion, Prediction, Timestamp};
use uuid::{Builder, Uuid};

/// Predictions, evenly over some time.
pub(super) struct Log {
    pub(super) rows: u64,
    /// In milliseconds.
    begin: i64,
    span: u64,
    /// What makes its predictions others than those of another log.
    seed: Uuid,
    model: ModelName,
    version: ModelVersion,
    classes: [Label; 2],
}

impl Log {
    /// One that ends now.
    pub(super) fn new(rows: u64, span: Duration, now: Timestamp) -> Result<Self> {
        let begin = now.checked_sub(span)?.as_millisecond();
        let span = u64::try_from(span.as_millis())?;
        let seed = Uuid::now_v7();
        let version = ModelVersion::from_digest(&Digest::of(b"the model that answers"));
        let classes = ["dandelion".parse()?, "grass".parse()?];
        Ok(Self { rows, begin, span, seed, model: "classifier".parse()?, version, classes })
    }

    pub(super) fn prediction(&self, number: u64) -> Result<Prediction> {
        let image = Digest::of_parts([self.seed.as_bytes(), number.to_le_bytes().as_slice()]);
        let (chance, rest) = image.as_bytes().split_first_chunk().context("a digest")?;
        let (id, _) = rest.split_first_chunk::<10>().context("a digest")?;
        let at = self.at(number);
        let sure = 0.5 + (u16::from_le_bytes(*chance) as f32) / 131_072.0;
        let class = usize::from(chance[0] % 2);
        let [this, other] = [&self.classes[class], &self.classes[1 - class]].map(Clone::clone);
        Ok(Prediction {
            id: PredictionId(Builder::from_unix_timestamp_millis(at.cast_unsigned(), id).into_uuid()),
            model: self.model.clone(),
            version: self.version.clone(),
            image,
            class: this.clone(),
            probabilities: [(this, sure), (other, 1.0 - sure)].into(),
            latency_us: 4000 + u64::from(chance[1]) * 8,
            source: "http".into(),
            at: Timestamp::from_millisecond(at)?,
        })
    }

    /// When a prediction was made, in milliseconds.
    fn at(&self, number: u64) -> i64 {
        self.begin + (u128::from(number) * u128::from(self.span) / u128::from(self.rows)) as i64
    }

    /// Numbers of predictions, at random.
    pub(super) fn numbers(&self, count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(|draw| Digest::of(&draw.to_le_bytes()).leading_u64() % self.rows)
    }

    /// How many were made at a moment or later.
    pub(super) fn since(&self, moment: Timestamp) -> u64 {
        let numbers: Vec<u64> = (0..self.rows).collect();
        self.rows - numbers.partition_point(|number| self.at(*number) < moment.as_millisecond()) as u64
    }

    /// The last moment of the log is before this one.
    pub(super) fn end(&self) -> Result<Timestamp> {
        Ok(Timestamp::from_millisecond(self.begin + self.span.cast_signed())?)
    }
}
