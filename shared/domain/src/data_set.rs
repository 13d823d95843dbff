//! Data sets: immutable lists of labelled images, each on one side of a split.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::image::Label;

/// The side of the split on which an image stands, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Learned from.
    Train,
    /// Held out, to judge with.
    Test,
}

impl Split {
    /// `train` or `test`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// One line of a data set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DataSetEntry {
    /// The image.
    pub image: Digest,
    /// Its class when the data set was frozen.
    pub label: Label,
    /// Its side.
    pub split: Split,
    /// The near-duplicate group (see [`crate::split`]); images of one group never stand in two folds.
    pub group: u64,
}

/// An immutable data set. Its entries are sorted by image id, each id once, and its digest is its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataSet {
    digest: Digest,
    entries: Vec<DataSetEntry>,
}

/// How many images a class has on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// Images to learn from.
    pub train: usize,
    /// Images to judge with.
    pub test: usize,
}

impl ClassCount {
    /// Both sides together.
    pub const fn total(self) -> usize {
        self.train + self.test
    }
}

/// Why images are not enough for a classifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooFew {
    /// Nothing is labelled.
    #[error("there are no labelled images: ingest folders named by class first")]
    Empty,
    /// One class alone cannot be told from anything.
    #[error("all {images} labelled images are of the one class `{class}`: a classifier needs at least two classes")]
    OneClass {
        /// The class.
        class: Label,
        /// Its images.
        images: usize,
    },
    /// A class is too small.
    #[error(
        "class `{class}` has {} images ({} to train with, {} to test with): at least {} and {} are needed, so add more \
         images of it", .count.total(), .count.train, .count.test, DataSet::MIN_TRAIN, DataSet::MIN_TEST
    )]
    SmallClass {
        /// The class.
        class: Label,
        /// What it has.
        count: ClassCount,
    },
}

impl DataSet {
    /// The least number of training images of a class: fewer cannot fill the folds of a cross-validation.
    pub const MIN_TRAIN: usize = 5;
    /// The least number of test images of a class: without one nothing is known about it.
    pub const MIN_TEST: usize = 1;

    /// Freezes entries into a data set. Order does not matter; of two entries for one image the first in sort order is
    /// kept.
    pub fn new(mut entries: Vec<DataSetEntry>) -> Self {
        entries.sort();
        entries.dedup_by(|a, b| a.image == b.image);
        let digest = Digest::of(canonical(&entries).as_bytes());
        Self { digest, entries }
    }

    /// The digest of the canonical text: the version of the data set.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The entries, sorted by image id.
    pub fn entries(&self) -> &[DataSetEntry] {
        &self.entries
    }

    /// The entries on one side, in order.
    pub fn side(&self, split: Split) -> impl Iterator<Item = &DataSetEntry> {
        self.entries.iter().filter(move |entry| entry.split == split)
    }

    /// The images of each class, classes in alphabetical order: the order of a model's outputs.
    pub fn counts(&self) -> BTreeMap<Label, ClassCount> {
        let mut counts: BTreeMap<Label, ClassCount> = BTreeMap::new();
        for entry in &self.entries {
            let count = counts.entry(entry.label.clone()).or_default();
            match entry.split {
                Split::Train => count.train += 1,
                Split::Test => count.test += 1,
            }
        }
        counts
    }

    /// Whether a classifier can be trained and judged on this.
    ///
    /// # Errors
    /// [`TooFew`], naming the class that lacks images.
    pub fn check(&self) -> Result<(), TooFew> {
        let counts = self.counts();
        if counts.len() < 2 {
            let lone = counts.into_iter().next();
            return Err(lone.map_or(TooFew::Empty, |(class, n)| TooFew::OneClass { class, images: n.total() }));
        }
        let small = counts.into_iter().find(|(_, n)| n.train < Self::MIN_TRAIN || n.test < Self::MIN_TEST);
        small.map_or(Ok(()), |(class, count)| Err(TooFew::SmallClass { class, count }))
    }

    /// The object key under which the manifest is kept.
    pub fn object_key(digest: &Digest) -> String {
        format!("datasets/{digest}.tsv")
    }

    /// The canonical text: a line an image (`id TAB split TAB group TAB label`), sorted.
    pub fn to_text(&self) -> String {
        canonical(&self.entries)
    }

    /// Reads the canonical text back.
    ///
    /// # Errors
    /// [`BadManifest`], naming the line.
    pub fn from_text(text: &str) -> Result<Self, BadManifest> {
        let entries = text.lines().enumerate().map(|(index, line)| {
            entry(line).ok_or_else(|| BadManifest { line: index + 1, text: line.chars().take(120).collect() })
        });
        Ok(Self::new(entries.collect::<Result<_, _>>()?))
    }
}

/// A line of a data set's manifest that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the data set's manifest cannot be read: `{text}`")]
pub struct BadManifest {
    /// The line, from 1.
    pub line: usize,
    /// What it holds.
    pub text: String,
}

fn canonical(entries: &[DataSetEntry]) -> String {
    use std::fmt::Write as _;
    entries.iter().fold(String::new(), |mut text, entry| {
        let DataSetEntry { image, label, split, group } = entry;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{image}\t{}\t{group:016x}\t{label}", split.as_str());
        text
    })
}

fn entry(line: &str) -> Option<DataSetEntry> {
    let mut fields = line.splitn(4, '\t');
    let image = fields.next()?.parse().ok()?;
    let split = match fields.next()? {
        "train" => Split::Train,
        "test" => Split::Test,
        _ => return None,
    };
    let group = u64::from_str_radix(fields.next()?, 16).ok()?;
    Some(DataSetEntry { image, label: fields.next()?.parse().ok()?, split, group })
}
