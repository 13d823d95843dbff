//! Model packages in object stores.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use bytes::Bytes;
use common::{chain, package, tiny};
use pappus_domain::{Digest, Manifest, ModelName, ModelVersion};
use pappus_inference::{Error, GoldenImage, Package};
use pappus_objects::{Key, LocalStore, MemoryStore, ObjectStore, PutMode};
use serde_json::Value;

fn sample() -> Package {
    package(tiny(), vec![GoldenImage { image: vec![0, 255, 7], probabilities: vec![0.1, 0.2, 0.7] }])
}

fn name() -> ModelName {
    "tiny".parse().unwrap()
}

fn key(version: &ModelVersion, file: &str) -> Key {
    Manifest::object_key(&name(), version, file).parse().unwrap()
}

async fn stored(package: &Package) -> MemoryStore {
    let store = MemoryStore::default();
    package.write(&store).await.unwrap();
    store
}

async fn file(store: &MemoryStore, version: &ModelVersion, file: &str) -> Vec<u8> {
    store.get(&key(version, file), 1 << 20).await.unwrap().into()
}

async fn replace(store: &MemoryStore, version: &ModelVersion, file: &str, bytes: Vec<u8>) {
    store.put(&key(version, file), bytes.into(), PutMode::Overwrite).await.unwrap();
}

/// Changes the manifest as JSON, as a later or a careless program might.
async fn edit(store: &MemoryStore, version: &ModelVersion, change: impl FnOnce(&mut Value)) {
    let mut json: Value = serde_json::from_slice(&file(store, version, Manifest::FILE).await).unwrap();
    change(&mut json);
    replace(store, version, Manifest::FILE, serde_json::to_vec(&json).unwrap()).await;
}

async fn refused(store: &MemoryStore, version: &ModelVersion) -> Error {
    Package::read(store, &name(), version).await.unwrap_err()
}

#[tokio::test]
async fn a_package_reads_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let local = LocalStore::open(directory.path()).await.unwrap();
    let memory = MemoryStore::default();
    let written = sample();
    for store in [&local as &dyn ObjectStore, &memory] {
        written.write(store).await.unwrap();
        let read = Package::read(store, &name(), &written.manifest.version).await.unwrap();
        assert_eq!((read.manifest, read.model, read.golden), {
            let Package { manifest, model, golden } = written.clone();
            (manifest, model, golden)
        });
    }
}

#[tokio::test]
async fn equal_parts_make_equal_versions_and_other_parts_others() {
    let version = |package: &Package| package.manifest.version.clone();
    assert_eq!(version(&sample()), version(&sample()));
    assert_ne!(version(&sample()), version(&package(tiny(), vec![])));
    let mut other = tiny();
    other.push(0);
    assert_ne!(version(&package(tiny(), vec![])), version(&package(other, vec![])));
}

const FILES: [&str; 3] = [Manifest::MODEL, Manifest::GOLDEN, Manifest::FILE];

/// The same package, made by another training.
fn made_again() -> Package {
    let mut again = sample();
    again.manifest.created_at = "2026-01-01T00:00:00Z".parse().unwrap();
    again.manifest.training.code = "0.2.0".into();
    again
}

async fn files(store: &MemoryStore, version: &ModelVersion) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for name in FILES {
        files.push(file(store, version, name).await);
    }
    files
}

#[tokio::test]
async fn writing_again_changes_nothing_of_a_whole_package_and_mends_a_damaged_one() {
    let (first, again) = (sample(), made_again());
    let version = first.manifest.version.clone();
    let store = stored(&first).await;
    let whole = files(&store, &version).await;
    again.write(&store).await.unwrap();
    assert_eq!(files(&store, &version).await, whole);

    for (damaged, then) in [(Manifest::MODEL, &first), (Manifest::GOLDEN, &first), (Manifest::FILE, &again)] {
        let length = file(&store, &version, damaged).await.len();
        for bytes in [b"cut off".to_vec(), Vec::new(), vec![b' '; length + 1]] {
            replace(&store, &version, damaged, bytes).await;
            again.write(&store).await.unwrap();
            let read = Package::read(&store, &name(), &version).await.unwrap();
            assert_eq!(read.manifest, then.manifest, "{damaged}");
        }
    }
}

#[tokio::test]
async fn writing_again_mends_a_manifest_that_is_not_of_this_version() {
    let package = sample();
    let version = package.manifest.version.clone();
    let store = stored(&package).await;
    let other = Value::from(Digest::of(b"other").to_string());
    for (pointer, value) in [
        ("/schema", Value::from(2)),
        ("/name", "other".into()),
        ("/classes/0", "other".into()),
        ("/preprocessing/width", 9.into()),
        ("/files/model.onnx", other.clone()),
        ("/training/data_set", other),
    ] {
        edit(&store, &version, |json| *json.pointer_mut(pointer).unwrap() = value).await;
        refused(&store, &version).await;
        made_again().write(&store).await.unwrap();
        Package::read(&store, &name(), &version).await.unwrap();
    }
}

#[tokio::test]
async fn a_package_without_its_manifest_is_not_there() {
    let package = sample();
    let version = package.manifest.version.clone();
    let store = stored(&package).await;
    store.delete(&key(&version, Manifest::FILE)).await.unwrap();
    let error = refused(&store, &version).await;
    assert!(matches!(error, Error::Objects(pappus_objects::Error::NotFound { .. })), "{error:?}");
    assert!(chain(&error).contains(&format!("models/tiny/{version}/manifest.json")), "{}", chain(&error));
}

#[tokio::test]
async fn one_changed_byte_of_a_file_is_found_and_names_the_version_and_the_file() {
    let package = sample();
    let version = package.manifest.version.clone();
    for changed in [Manifest::MODEL, Manifest::GOLDEN] {
        let store = stored(&package).await;
        let mut bytes = file(&store, &version, changed).await;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        replace(&store, &version, changed, bytes).await;
        let error = refused(&store, &version).await;
        assert!(matches!(&error, Error::DigestMismatch { file, .. } if file == changed), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(changed) && message.contains(version.as_str()), "{message}");
    }
}

#[tokio::test]
async fn a_manifest_that_is_no_json_or_lacks_a_field_is_named_with_the_reason() {
    let package = sample();
    let version = package.manifest.version.clone();
    let store = stored(&package).await;
    edit(&store, &version, |json| drop(json.as_object_mut().unwrap().remove("classes"))).await;
    let error = refused(&store, &version).await;
    assert!(matches!(&error, Error::BadPackage { file, .. } if file == Manifest::FILE), "{error:?}");
    assert!(chain(&error).contains("missing field `classes`"), "{}", chain(&error));
    replace(&store, &version, Manifest::FILE, b"{".to_vec()).await;
    assert!(matches!(refused(&store, &version).await, Error::BadPackage { .. }));
}

#[tokio::test]
async fn an_unknown_layout_or_step_is_too_new() {
    let package = sample();
    let version = package.manifest.version.clone();
    for (pointer, value, what) in [
        ("/schema", Value::from(2), "manifest schema `2`"),
        ("/preprocessing/decode", "rgb8-exif/2".into(), "decoding `rgb8-exif/2`"),
        ("/preprocessing/resize", "crop/1".into(), "resizing `crop/1`"),
    ] {
        let store = stored(&package).await;
        edit(&store, &version, |json| *json.pointer_mut(pointer).unwrap() = value).await;
        let error = refused(&store, &version).await;
        assert!(matches!(error, Error::TooNew { .. }), "{error:?}");
        assert!(error.to_string().contains(what) && error.to_string().contains("upgrade"), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_with_other_classes_is_not_of_this_version() {
    let package = sample();
    let version = package.manifest.version.clone();
    let store = stored(&package).await;
    edit(&store, &version, |json| json["classes"].as_array_mut().unwrap().reverse()).await;
    let error = refused(&store, &version).await;
    assert!(error.to_string().contains(version.as_str()), "{error}");
}

#[tokio::test]
async fn a_package_that_was_copied_to_another_place_is_refused() {
    let package = sample();
    let version = package.manifest.version.clone();
    let store = stored(&package).await;
    let elsewhere = ModelVersion::from_digest(&Digest::of(b"elsewhere"));
    for part in FILES {
        let bytes = Bytes::from(file(&store, &version, part).await);
        store.put(&key(&elsewhere, part), bytes, PutMode::IfAbsent).await.unwrap();
    }
    let message = refused(&store, &elsewhere).await.to_string();
    assert!(message.contains(elsewhere.as_str()) && message.contains(version.as_str()), "{message}");
}
