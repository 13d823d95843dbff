//! Model packages: three files that are complete or absent, and never change.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt as _;
use pappus_domain::image::Label;
use pappus_domain::model::{Preprocessing, Training};
use pappus_domain::{Digest, Manifest, ModelName, ModelVersion, Timestamp};
use pappus_objects::{Key, ObjectStore, PutMode, Reading};

use crate::decode::DECODE;
use crate::error::Error;
use crate::golden::Golden;
use crate::resize::RESIZE;

/// The most bytes of a network that are read.
pub const MAX_MODEL_BYTES: u64 = 1 << 30;
const MAX_SIDE_FILE_BYTES: u64 = 64 << 20;

/// A package in memory, its digests checked.
#[derive(Clone, Debug)]
pub struct Package {
    /// What it is.
    pub manifest: Manifest,
    /// The network, an ONNX file.
    pub model: Bytes,
    /// Its golden answers.
    pub golden: Golden,
}

impl Package {
    /// Makes a package of its parts; the version follows from them.
    ///
    /// # Errors
    /// [`Error::BadPackage`] where the golden answers cannot be written.
    pub fn new(
        name: ModelName,
        classes: Vec<Label>,
        (width, height): (u32, u32),
        model: Vec<u8>,
        golden: Golden,
        training: Training,
        created_at: Timestamp,
    ) -> Result<Self, Error> {
        let preprocessing = Preprocessing { decode: DECODE.into(), resize: RESIZE.into(), width, height };
        let files = BTreeMap::from([
            (Manifest::MODEL.to_owned(), Digest::of(&model)),
            (Manifest::GOLDEN.to_owned(), Digest::of(&golden_json(&golden)?)),
        ]);
        let version = Manifest::identify(&files, &classes, &preprocessing, &training.data_set);
        let schema = Manifest::SCHEMA;
        let manifest = Manifest { schema, name, version, classes, preprocessing, files, training, created_at };
        Ok(Self { manifest, model: model.into(), golden })
    }

    /// Writes the package: the manifest last, so that a package that was cut off is not there. Equal versions are equal
    /// packages: a file that is there and whole stays as it is, one that is damaged is written anew.
    ///
    /// # Errors
    /// [`Error::Objects`].
    pub async fn write(&self, objects: &dyn ObjectStore) -> Result<(), Error> {
        let Manifest { name, version, .. } = &self.manifest;
        let golden = golden_json(&self.golden)?;
        for (file, bytes) in [(Manifest::MODEL, self.model.clone()), (Manifest::GOLDEN, golden.into())] {
            let file = key(name, version, file)?;
            let found = compare(objects, &file, &bytes).await?;
            write(objects, &file, bytes, found).await?;
        }
        let manifest = serde_json::to_vec_pretty(&self.manifest).map_err(|source| bad(Manifest::FILE, source))?;
        let file = key(name, version, Manifest::FILE)?;
        let found = match objects.get(&file, MAX_SIDE_FILE_BYTES).await {
            Ok(found) if self.is_described_by(&found) => Found::Whole,
            Ok(_) | Err(pappus_objects::Error::TooLarge { .. }) => Found::Damaged,
            Err(pappus_objects::Error::NotFound { .. }) => Found::Nothing,
            Err(other) => return Err(other.into()),
        };
        write(objects, &file, manifest.into(), found).await
    }

    /// Whether a manifest is this package's, be it from another run that made the same.
    fn is_described_by(&self, manifest: &[u8]) -> bool {
        let ours = &self.manifest;
        serde_json::from_slice(manifest).is_ok_and(|found: Manifest| {
            found.training.data_set == ours.training.data_set
                && Manifest { training: ours.training.clone(), created_at: ours.created_at, ..found } == *ours
        })
    }

    /// Reads a package and checks every digest.
    ///
    /// # Errors
    /// [`Error::Objects`], [`Error::BadPackage`], [`Error::TooNew`], [`Error::DigestMismatch`].
    pub async fn read(objects: &dyn ObjectStore, name: &ModelName, version: &ModelVersion) -> Result<Self, Error> {
        let bytes = objects.get(&key(name, version, Manifest::FILE)?, MAX_SIDE_FILE_BYTES).await?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|source| bad(Manifest::FILE, source))?;
        check_known(&manifest)?;
        let model = objects.get(&key(name, version, Manifest::MODEL)?, MAX_MODEL_BYTES).await?;
        check_digest(&manifest, Manifest::MODEL, &model)?;
        let golden = objects.get(&key(name, version, Manifest::GOLDEN)?, MAX_SIDE_FILE_BYTES).await?;
        check_digest(&manifest, Manifest::GOLDEN, &golden)?;
        let golden = serde_json::from_slice(&golden).map_err(|source| bad(Manifest::GOLDEN, source))?;
        let Manifest { files, classes, preprocessing, training, .. } = &manifest;
        let identity = Manifest::identify(files, classes, preprocessing, &training.data_set);
        if manifest.version != *version || manifest.name != *name || identity != *version {
            let found = format!("the manifest of {name}/{version} is that of {}/{identity}", manifest.name);
            return Err(Error::WrongNetwork(found));
        }
        Ok(Self { manifest, model, golden })
    }
}

/// What is there of a file that is to be written.
enum Found {
    Nothing,
    Damaged,
    Whole,
}

/// Whether a file is there and holds these bytes. No second copy of them is made: a network may be large.
async fn compare(objects: &dyn ObjectStore, key: &Key, expected: &[u8]) -> Result<Found, Error> {
    let Reading { size, mut bytes } = match objects.get_stream(key).await {
        Err(pappus_objects::Error::NotFound { .. }) => return Ok(Found::Nothing),
        reading => reading?,
    };
    let mut rest = expected;
    if size != rest.len() as u64 {
        return Ok(Found::Damaged);
    }
    while let Some(piece) = bytes.try_next().await? {
        let Some(left) = rest.strip_prefix(&*piece) else { return Ok(Found::Damaged) };
        rest = left;
    }
    Ok(Found::Whole)
}

/// Writes a file that is missing or not whole.
async fn write(objects: &dyn ObjectStore, key: &Key, bytes: Bytes, found: Found) -> Result<(), Error> {
    let mode = match found {
        Found::Whole => return Ok(()),
        Found::Nothing => PutMode::IfAbsent,
        Found::Damaged => {
            tracing::warn!(%key, "a file of a model package is damaged, and written anew");
            PutMode::Overwrite
        }
    };
    match objects.put(key, bytes, mode).await {
        // Somebody else who made the same was quicker.
        Err(pappus_objects::Error::AlreadyExists { .. }) => Ok(()),
        other => Ok(other?),
    }
}

fn check_known(manifest: &Manifest) -> Result<(), Error> {
    let Preprocessing { decode, resize, .. } = &manifest.preprocessing;
    for (what, wanted, known) in [
        ("manifest schema", manifest.schema.to_string(), Manifest::SCHEMA.to_string()),
        ("decoding", decode.clone(), DECODE.to_owned()),
        ("resizing", resize.clone(), RESIZE.to_owned()),
    ] {
        if wanted != known {
            return Err(Error::TooNew { what, wanted, known });
        }
    }
    Ok(())
}

fn check_digest(manifest: &Manifest, file: &str, bytes: &[u8]) -> Result<(), Error> {
    let found = Digest::of(bytes);
    match manifest.files.get(file) {
        Some(expected) if *expected == found => Ok(()),
        expected => Err(Error::DigestMismatch {
            version: manifest.version.clone(),
            file: file.into(),
            expected: Box::new(expected.copied().unwrap_or(Digest::of(b""))),
            found: Box::new(found),
        }),
    }
}

fn golden_json(golden: &Golden) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(golden).map_err(|source| bad(Manifest::GOLDEN, source))
}

fn bad(file: &str, source: serde_json::Error) -> Error {
    Error::BadPackage { file: file.into(), source }
}

fn key(name: &ModelName, version: &ModelVersion, file: &str) -> Result<Key, Error> {
    Ok(Manifest::object_key(name, version, file).parse()?)
}
