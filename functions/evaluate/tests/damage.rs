//! Versions that cannot be judged, and what is said about them.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{GOOD, Place, has_runtime, place};
use pappus_catalog::contract::samples;
use pappus_domain::{DataSet, Image, Manifest, ModelVersion, Split};
use pappus_evaluate::Error;
use pappus_host::{Dispose as _, Disposition, Failure};

/// Why a version cannot be judged; nothing was recorded.
async fn refused(place: &Place, version: &ModelVersion) -> Error {
    let error = place.evaluate.version(version, |_, _| {}).await.unwrap_err();
    let recorded = place.context.catalog.evaluation(&samples::name("pets"), version).await.unwrap();
    assert!(recorded.is_none());
    error
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_named() {
    let place = place().await;
    let error = refused(&place, &samples::version(1)).await;
    assert!(matches!(error, Error::NoVersion(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Absent);
}

#[tokio::test]
async fn a_list_of_images_that_was_changed_is_found() {
    let place = place().await;
    let data_set = place.data_set(2).await;
    let version = place.version(GOOD, &data_set).await;
    let key = DataSet::object_key(&data_set.digest());
    // An image changes sides, as somebody might wish who wants a better figure.
    place.put(&key, data_set.to_text().replacen("\ttest\t", "\ttrain\t", 1).into()).await;
    let error = refused(&place, &version).await;
    assert!(matches!(error, Error::Damaged(digest) if digest == data_set.digest()), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Refused);
    place.put(&key, format!("{}no line\n", data_set.to_text()).into()).await;
    let error = refused(&place, &version).await;
    assert!(matches!(error, Error::DataSet { .. }), "{error:?}");
    let message = Failure::from(error).to_string();
    assert!(message.contains("line 8 of the data set's manifest cannot be read: `no line`"), "{message}");
    place.put(&key, vec![0xFF; 40]).await;
    assert!(matches!(refused(&place, &version).await, Error::DataSet { .. }));
    place.context.objects.delete(&key.parse().unwrap()).await.unwrap();
    assert!(matches!(refused(&place, &version).await, Error::Objects(pappus_objects::Error::NotFound { .. })));
}

#[tokio::test]
async fn a_data_set_without_test_images_judges_nothing() {
    let place = place().await;
    let data_set = place.data_set(0).await;
    let version = place.version(GOOD, &data_set).await;
    let error = refused(&place, &version).await;
    assert!(matches!(error, Error::NoTestImages(_)), "{error:?}");
}

#[tokio::test]
async fn a_damaged_package_is_named_the_champions_too() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(2).await;
    let champion = place.version(GOOD, &data_set).await;
    let candidate = place.version(&[GOOD[2], GOOD[1], GOOD[0]], &data_set).await;
    place.release(&champion).await;
    for damaged in [&champion, &candidate] {
        let key = Manifest::object_key(&samples::name("pets"), damaged, Manifest::MODEL);
        let whole = place.object(&key).await;
        let mut bytes = whole.clone();
        bytes[9] ^= 1;
        place.put(&key, bytes).await;
        let error = refused(&place, &candidate).await;
        assert!(matches!(&error, Error::Model { version, .. } if version == damaged), "{error:?}");
        let message = Failure::from(error).to_string();
        assert!(
            message.contains(&format!("version {damaged} cannot answer: model.onnx of model version")),
            "{message}"
        );
        place.put(&key, whole).await;
    }
}

#[tokio::test]
async fn a_test_image_that_is_missing_or_damaged_is_named() {
    if !has_runtime() {
        return;
    }
    let place = place().await;
    let data_set = place.data_set(2).await;
    let version = place.version(GOOD, &data_set).await;
    let image = data_set.side(Split::Test).last().unwrap().image;
    place.put(&Image::object_key(&image), b"a text".to_vec()).await;
    let error = refused(&place, &version).await;
    assert!(matches!(&error, Error::Classify { image: named, .. } if *named == image), "{error:?}");
    assert!(Failure::from(error).to_string().contains(&image.to_string()));
    place.context.objects.delete(&Image::object_key(&image).parse().unwrap()).await.unwrap();
    let message = Failure::from(refused(&place, &version).await).to_string();
    assert!(message.contains(&image.to_string()), "{message}");
}
